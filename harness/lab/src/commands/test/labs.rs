//! `test 05`: the tests of labs, on the reader's crate.

use std::process::ExitCode;

use anyhow::bail;

use super::{INTERRUPTED, Wanted};
use crate::cargo;
use crate::labs::Layer;
use crate::labs::found::{self, Lab, Whose};
use crate::labs::runner::How;
use crate::reader::board::{Running, board};
use crate::reader::bonus::{self, Bonus};
use crate::reader::session::{self, Asked, record};
use crate::reader::standing::Standing;
use crate::reader::style::Style;
use crate::servers::Servers;
use crate::signals::Signals;
use crate::{note, out};

/// The labs that the words mean, if they are labs: all, or none of them.
///
/// # Errors
/// Some are labs and some are not; a manifest is broken.
pub(super) fn meant(words: &[String], reference: bool) -> anyhow::Result<Option<Vec<Lab>>> {
    let root = cargo::root();
    let (labs, others): (Vec<_>, Vec<_>) = words.iter().partition(|word| found::folder(&root, word).is_ok());
    match (labs.is_empty(), others.first()) {
        (true, _) => Ok(None),
        // On the reference everything is a part like any other.
        (false, Some(_)) if reference => Ok(None),
        (false, Some(other)) => bail!(
            "{} is a lab of yours and {other} is not: ./lab test {other} and ./lab test {} one after the other, or both with --reference",
            labs[0],
            labs[0]
        ),
        (false, None) => {
            let labs: Result<Vec<Lab>, _> = labs.into_iter().map(|word| found::find(&root, word)).collect();
            labs.map(Some)
        }
    }
}

pub(super) fn run(labs: &[Lab], wanted: &Wanted<'_>) -> anyhow::Result<ExitCode> {
    let servers = Servers::open(wanted.args.stack, wanted.brokers)?;
    let runtime = super::super::runtime()?;
    let ended = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        tokio::select! {
            ended = several(labs, wanted, &servers) => ended.map(Some),
            _ = signals.heard() => Ok(None),
        }
    });
    if let Ok(Some(Ended { on_servers: true, .. })) = ended
        && let Some(place) = servers.keep_logs()
    {
        note(&format!("The logs of the servers: {}", place.display()));
    }
    servers.close()?;
    Ok(match ended? {
        Some(Ended { green: true, .. }) => ExitCode::SUCCESS,
        Some(_) => ExitCode::FAILURE,
        None => ExitCode::from(INTERRUPTED),
    })
}

/// How the labs' tests ended.
#[derive(Clone, Copy)]
struct Ended {
    green: bool,
    /// Whether a test on servers failed, whose logs may say why.
    on_servers: bool,
}

async fn several(labs: &[Lab], wanted: &Wanted<'_>, servers: &Servers) -> anyhow::Result<Ended> {
    let style = Style::of_output();
    let (mut green, mut on_servers) = (true, false);
    let whose = if wanted.reference {
        Whose::Reference
    } else {
        Whose::Yours
    };
    for lab in labs {
        if wanted.bonus {
            green &= hold(lab, servers, style).await?;
            continue;
        }
        let before = Standing::of(lab.clone())?;
        let asked = Asked {
            lab,
            whose,
            filter: &wanted.args.rest,
            focus: false,
        };
        let line = Running::new(lab);
        let result = session::run(servers, &asked, |event| line.tell(&event)).await;
        line.over();
        let result = result?;
        // Shown even if it cannot be written down.
        let recorded = record(&before, &result);
        let after = Standing::of(lab.clone())?;
        out(&board(lab, &result, &before, &after, style));
        recorded?;
        on_servers |= result.ran.iter().any(|ran| ran.layer == Layer::Server && !ran.passed());
        green &= result.green() && result.whole(lab);
    }
    Ok(Ended { green, on_servers })
}

async fn hold(lab: &Lab, servers: &Servers, style: Style) -> anyhow::Result<bool> {
    match bonus::hold(lab, &How::on(servers), &|what| note(&format!("  {what}"))).await? {
        Bonus::Won(tests) => {
            out(&format!(
                "{} {} is green on the reference and red on the mistake.\nNext: {}\n",
                style.green("The bonus is won:"),
                tests.join(", "),
                lab.manifest.at_the_end()
            ));
            Ok(true)
        }
        Bonus::Not(why) => {
            out(&format!("{} {why}\n", style.red("Not yet:")));
            Ok(false)
        }
    }
}
