//! The arguments of the command.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};
use clinstruct_curate::splits::Shares;

/// Curates large runs on a query engine.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Drop near duplicates and rows with evaluation items of a finished run, and split it again
    Curate {
        /// Folder of the run; on a cluster, the same path on all machines
        run: PathBuf,
        /// Host and port of a scheduler; without one, everything runs in this process
        #[arg(long, value_name = "HOST:PORT")]
        scheduler: Option<String>,
        /// Memory of queries, or of one executor's: beyond it, they use temporary files
        #[arg(long, value_parser = bytes, default_value = "1GB")]
        memory: usize,
        /// Tasks of a query [default: the processors of this machine, or 8 on a cluster]
        #[arg(long, value_name = "N")]
        tasks: Option<usize>,
        /// File of an evaluation set, or one of its columns as `FILE:COLUMN`; can be repeated
        #[arg(long, value_name = "FILE")]
        eval: Vec<String>,
        /// Shares of validation and test
        #[arg(long, value_name = "V,T", value_parser = shares, default_value = "0.05,0.05")]
        split: Shares,
        /// Seconds that a query may take on a cluster
        #[arg(long, value_name = "S", value_parser = seconds, default_value = "3600")]
        timeout: Duration,
    },
    /// Run the scheduler of a cluster
    Scheduler {
        /// Address to listen at; whoever reaches it can run queries
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
        bind: String,
        /// Port
        #[arg(long, default_value_t = 50050)]
        port: u16,
        /// Seconds without a sign of life after which an executor is lost: 10 or more, since a busy one gives one every 5
        #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(10..))]
        lost_after: u64,
    },
    /// Run an executor of a cluster
    Executor {
        /// Host and port of the scheduler
        #[arg(long, value_name = "HOST:PORT", value_parser = address)]
        scheduler: (String, u16),
        /// Address to listen at
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
        bind: String,
        /// Name or address by which other executors reach this one [default: that of --bind]
        #[arg(long)]
        host: Option<String>,
        /// Port at which other executors read intermediate data
        #[arg(long, default_value_t = 50051)]
        port: u16,
        /// Memory of all its tasks: beyond it, they use temporary files
        #[arg(long, value_parser = bytes, default_value = "1GB")]
        memory: usize,
        /// Tasks at the same time [default: the processors of this machine]
        #[arg(long, value_name = "N")]
        tasks: Option<usize>,
        /// Folder for intermediate data [default: a temporary one]
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
}

/// A size such as `500MB`: a number and B, KB, MB or GB, in powers of 1000.
fn bytes(given: &str) -> Result<usize, String> {
    let end = given.find(|c: char| !c.is_ascii_digit()).unwrap_or(given.len());
    let (number, unit) = given.split_at(end);
    let unit = match unit.trim().to_ascii_uppercase().as_str() {
        "" | "B" => Some(1),
        "KB" => Some(1000),
        "MB" => Some(1_000_000),
        "GB" => Some(1_000_000_000),
        _ => None,
    };
    let size = number.parse::<usize>().ok().zip(unit).and_then(|(n, unit)| n.checked_mul(unit));
    size.filter(|size| *size > 0).ok_or_else(|| "write a size such as 500MB or 4GB".to_owned())
}

fn shares(given: &str) -> Result<Shares, String> {
    let (validation, test) = given.split_once(',').unwrap_or_default();
    match (validation.parse::<f64>(), test.parse::<f64>()) {
        (Ok(validation), Ok(test))
            if validation >= 0.0 && test >= 0.0 && validation + test < 1.0 =>
        {
            Ok(Shares { validation, test })
        }
        _ => Err("write two shares below 1 in all, such as 0.05,0.05".to_owned()),
    }
}

fn seconds(given: &str) -> Result<Duration, String> {
    given.parse().map(Duration::from_secs).map_err(|_| "write a number of seconds".to_owned())
}

fn address(given: &str) -> Result<(String, u16), String> {
    let parsed = given.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    parsed
        .map(|(host, port)| (host.to_owned(), port))
        .ok_or_else(|| "write a host and a port, such as node1:50050".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        <Args as clap::CommandFactory>::command().debug_assert();
        let _: Args = Args::parse_from(["clinstruct-cluster", "scheduler"]);
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(bytes("500MB"), Ok(500_000_000));
        assert_eq!(bytes("2 gb"), Ok(2_000_000_000));
        assert!(bytes("0").is_err());
        assert!(bytes("much").is_err());
        assert!(bytes("99999999999999GB").is_err());
    }

    #[test]
    fn shares_are_below_one_and_addresses_have_a_port() {
        assert!(shares("0.5,0.5").is_err());
        assert_eq!(shares("0.1,0"), Ok(Shares { validation: 0.1, test: 0.0 }));
        assert_eq!(address("node1:7"), Ok(("node1".to_owned(), 7)));
        assert!(address("node1").is_err());
    }
}
