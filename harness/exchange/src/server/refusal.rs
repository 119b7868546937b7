//! The errors of the WebSocket, in the words in which Upbit's Korean host says them.

/// What is wrong with a message; sent as `{"error":{"name":…,"message":…}}`, then the connection is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) name: &'static str,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn wrong_format() -> Self {
        Self {
            name: "WRONG_FORMAT",
            message: "Format 이 맞지 않습니다.".into(),
        }
    }

    pub(super) fn no_ticket() -> Self {
        Self {
            name: "NO_TICKET",
            message: "티켓이 존재하지 않거나, 유효하지 않습니다.".into(),
        }
    }

    pub(super) fn no_type() -> Self {
        Self {
            name: "NO_TYPE",
            message: "type 필드가 존재하지 않습니다.".into(),
        }
    }

    pub(super) fn no_codes() -> Self {
        Self {
            name: "NO_CODES",
            message: "codes 필드가 존재하지 않습니다.".into(),
        }
    }

    pub(super) fn invalid_param(what: &str) -> Self {
        Self {
            name: "INVALID_PARAM",
            message: format!("{what} 은 지원하지 않는 타입입니다."),
        }
    }

    /// Too many messages: Upbit's documentation gives the limit and no name for its breach, so this one is ours.
    pub(super) fn too_many() -> Self {
        Self {
            name: "TOO_MANY_REQUEST",
            message: "요청 횟수를 초과했습니다.".into(),
        }
    }

    pub(super) fn json(&self) -> String {
        serde_json::json!({ "error": { "name": self.name, "message": self.message } }).to_string()
    }
}
