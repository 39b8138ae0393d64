//! Serves a folder until stdin ends, and prints the address: for the browser test.
//!
//! `cargo run --package clinstruct-viewer --example view -- FOLDER`

use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use clinstruct_curate::metrics::Facts;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let run = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: view FOLDER")?);
    let ready = |at| {
        let _ = writeln!(std::io::stdout(), "http://{at}");
    };
    let end = async {
        let read = || std::io::stdin().read_to_end(&mut Vec::new());
        let _ = tokio::task::spawn_blocking(read).await;
    };
    clinstruct_viewer::serve(&run, "127.0.0.1:0".parse()?, Facts::default(), ready, end).await?;
    Ok(())
}
