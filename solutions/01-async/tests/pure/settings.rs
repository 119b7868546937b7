//! What a configuration is refused for, before anything is connected.

use feed::{ConfigError, FeedConfig};

fn url(url: &str) -> url::Url {
    url.parse().unwrap()
}

fn good() -> FeedConfig {
    FeedConfig::new(
        url("wss://api.upbit.com/websocket/v1"),
        url("https://api.upbit.com/v1"),
        vec!["KRW-BTC".parse().unwrap()],
    )
}

#[test]
fn a_configuration_that_cannot_work_is_refused_with_a_sentence() {
    assert_eq!(good().check(), Ok(()));
    let refused = |change: &dyn Fn(&mut FeedConfig)| {
        let mut config = good();
        change(&mut config);
        config.check().unwrap_err()
    };
    assert!(matches!(
        refused(&|config| config.ws = url("https://api.upbit.com")),
        ConfigError::NoWebSocketUrl(_)
    ));
    assert!(matches!(
        refused(&|config| config.rest = url("ws://api.upbit.com")),
        ConfigError::NoRestUrl(_)
    ));
    assert_eq!(refused(&|config| config.markets.clear()), ConfigError::NoMarkets);
    assert!(matches!(
        refused(&|config| config.markets.push(config.markets[0])),
        ConfigError::MarketTwice(_)
    ));
    assert_eq!(
        refused(&|config| config.silence_limit = config.ping_every),
        ConfigError::Liveness
    );
    assert_eq!(refused(&|config| config.batches = 0), ConfigError::NothingFits);
}
