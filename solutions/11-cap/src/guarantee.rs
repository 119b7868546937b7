//! What an acknowledgement promises: from the topic's settings and the replicas in sync when it was given.

/// Whose acknowledgement a producer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// Nobody's: the record was handed to a socket.
    None,
    /// The leader's, `acks=1`: it has appended the record.
    Leader,
    /// `acks=all`: of the replicas that are in sync *then*, whichever these are.
    All,
}

/// Which of Kafka's rules hold in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// Before 3.7: the high watermark is the smallest log end of those in sync, be it the leader alone.
    Before,
    /// Since 3.7 (KAFKA-15583), without eligible leader replicas: while fewer than the minimum are in sync, the high watermark waits.
    Strict,
    /// With eligible leader replicas (KIP-966; 4.0, on in clusters formatted with 4.1 or later). The high watermark waits as
    /// with [`Rules::Strict`]. A replica that leaves the in-sync set when that falls below the minimum stays *eligible*: it has
    /// everything below the high watermark, so it may lead when nobody is in sync. A broker that comes back without its
    /// last records (an unclean shutdown, an empty disk) is taken off both lists.
    Eligible,
}

/// A topic's settings, as far as they decide what is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic {
    replicas: u8,
    min_insync: u8,
    unclean: bool,
    rules: Rules,
}

/// Settings that make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// There must be a copy.
    #[error("a topic needs at least one replica")]
    NoReplica,
    /// Kafka takes the setting: since 3.7 as the number of replicas, earlier brokers refuse all writes with acks=all.
    #[error("min.insync.replicas must be 1 to {replicas}, the replication factor, not {min_insync}")]
    MinInsync {
        /// What was asked for.
        min_insync: u8,
        /// The replication factor.
        replicas: u8,
    },
}

/// Why a write is not taken now. A record that is refused so is surely not in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nobody leads the partition.
    #[error("nobody leads the partition")]
    NoLeader,
    /// Kafka's NOT_ENOUGH_REPLICAS.
    #[error("{in_sync} replicas are in sync, and acks=all needs {min_insync}")]
    NotEnoughReplicas {
        /// In sync now, the leader among them.
        in_sync: u8,
        /// `min.insync.replicas`.
        min_insync: u8,
    },
}

/// How many faults of a kind an acknowledged record survives for certain: in any order, at the worst moment, whichever
/// brokers they strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survives {
    /// It may be lost without such a fault.
    Nothing,
    /// So many, and one more may lose it. 0: the first one may.
    Faults(u8),
    /// Any number.
    Any,
}

/// When consumers see an acknowledged record: the high watermark must have passed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visible {
    /// With the acknowledgement, or before it.
    Now,
    /// When the other replicas in sync have fetched it.
    WhenFetched,
    /// Not before the minimum is in sync again.
    WhenEnoughAreInSync,
}

/// What an acknowledgement promises. An *outage* takes a broker away (crash, freeze, cut), and it comes back with the log that it had; a
/// *loss* takes its disk, and it comes back empty. The record is lost when a replica without it is elected leader, or nobody has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    /// Replicas that certainly hold the record when the acknowledgement comes.
    pub copies: u8,
    /// When consumers see it.
    pub visible: Visible,
    /// Outages, while no disk is lost.
    pub outages: Survives,
    /// Losses of a disk, while the other brokers stay.
    pub losses: Survives,
    /// Losses of a disk, while any number of outages come and go. [`Survives::Nothing`] where outages alone may lose it.
    pub losses_amid_outages: Survives,
    /// Of the brokers in sync: how many more may go before such writes are refused, if none of the others can step in.
    pub spare: u8,
}

impl Topic {
    /// A topic with `replicas` copies, of which `min_insync` must be in sync for a write with acks=all; `unclean`: whether a
    /// replica that is behind may be elected when no other can (`unclean.leader.election.enable`).
    ///
    /// # Errors
    /// [`TopicError`]: no replica, or a minimum that is not 1 to `replicas`.
    pub fn new(replicas: u8, min_insync: u8, unclean: bool, rules: Rules) -> Result<Self, TopicError> {
        if replicas == 0 {
            return Err(TopicError::NoReplica);
        }
        if min_insync == 0 || min_insync > replicas {
            return Err(TopicError::MinInsync { min_insync, replicas });
        }
        Ok(Self {
            replicas,
            min_insync,
            unclean,
            rules,
        })
    }

    /// What the acknowledgement of a write promises that is sent now, with `in_sync` replicas in sync, the leader among them (more
    /// than there are count as all). What follows assumes the worst for what is not known: replicas out of sync are behind, but can be
    /// reached; with [`Acks::Leader`] nobody has fetched the record yet; with [`Acks::None`] it is not even in the leader's log.
    ///
    /// - *Copies*: none, the leader's, or one for each replica in sync; not one for each replica.
    /// - *Visible*: under [`Rules::Strict`] and [`Rules::Eligible`] not while fewer than the minimum are in sync, whatever the acks.
    ///   Else at once if acks=all was asked for or the leader is the only one in sync, else when the others have fetched it.
    /// - *Outages* of a record with no copy: nothing. A record that somebody in sync may not have is lost with the first one. So is one that
    ///   an eligible replica may not have: eligible replicas have what is below the high watermark, and nobody waits for the
    ///   leader's return while one of them can lead. Else every clean election finds it, for ever; where an unclean one may find a replica
    ///   without it, it takes an outage of all in sync.
    /// - *Losses*: all its copies but one, if every replica in sync has it; none, if one of them may lack it.
    /// - *Losses amid outages*: outages can leave one replica in sync, which without eligible replicas is elected again even when it comes back
    ///   empty. Eligible and in sync together are at least the minimum: without unclean elections, all of these but one.
    ///
    /// # Errors
    /// [`Refused::NoLeader`] if nobody is in sync; [`Refused::NotEnoughReplicas`] for acks=all with fewer in sync than the minimum. The
    /// minimum binds nobody else.
    pub fn promise(&self, acks: Acks, in_sync: u8) -> Result<Promise, Refused> {
        // TASK 1: what the acknowledgement of a write promises
        let (in_sync, min_insync) = (in_sync.min(self.replicas), self.min_insync);
        self.takes(acks, in_sync)?;
        let (copies, needed) = match acks {
            Acks::None => (0, 1),
            Acks::Leader => (1, 1),
            Acks::All => (in_sync, min_insync),
        };
        let held = self.rules != Rules::Before && in_sync < min_insync;
        let visible = match acks {
            _ if held => Visible::WhenEnoughAreInSync,
            Acks::Leader | Acks::None if in_sync > 1 => Visible::WhenFetched,
            _ => Visible::Now,
        };
        let all_in_sync_have_it = copies == in_sync;
        let outages = match self.rules {
            _ if copies == 0 => Survives::Nothing,
            _ if !all_in_sync_have_it => Survives::Faults(0),
            Rules::Eligible if held => Survives::Faults(0),
            _ if self.unclean && copies < self.replicas => Survives::Faults(copies - 1),
            _ => Survives::Any,
        };
        let losses = match copies {
            0 => Survives::Nothing,
            _ if !all_in_sync_have_it => Survives::Faults(0),
            _ => Survives::Faults(copies - 1),
        };
        let losses_amid_outages = match self.rules {
            _ if outages != Survives::Any => Survives::Nothing,
            Rules::Eligible if !self.unclean => Survives::Faults(min_insync - 1),
            _ => Survives::Faults(0),
        };
        Ok(Promise {
            copies,
            visible,
            outages,
            losses,
            losses_amid_outages,
            spare: in_sync - needed,
        })
        // END TASK 1
    }

    /// Whether a write is taken at all.
    fn takes(&self, acks: Acks, in_sync: u8) -> Result<(), Refused> {
        let min_insync = self.min_insync;
        match acks {
            _ if in_sync == 0 => Err(Refused::NoLeader),
            Acks::All if in_sync < min_insync => Err(Refused::NotEnoughReplicas { in_sync, min_insync }),
            _ => Ok(()),
        }
    }

    /// Copies of each record.
    pub fn replicas(&self) -> u8 {
        self.replicas
    }

    /// `min.insync.replicas`.
    pub fn min_insync(&self) -> u8 {
        self.min_insync
    }
}
