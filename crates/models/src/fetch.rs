//! Fills the cache.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use clinstruct_batch_client::{Error as Remote, ErrorKind};
use clinstruct_provider_http::{Auth, Client, Secret};
use clinstruct_schema::{Model, ModelPackage};
use reqwest::Method;
use serde::Deserialize;

use crate::ModelCache;
use crate::cache::has_ending;
use crate::download::{Progress, download, sum_of};
use crate::error::{Error, Result};

/// Sources of downloads.
#[derive(Debug, Clone)]
pub struct Sources {
    /// Hub URL.
    pub hub: String,
    /// Hub token, for models whose terms must be accepted.
    pub token: Option<Secret>,
    /// URL of a Python package index; if `None`, `pip` with its own configuration is used.
    pub package_index: Option<String>,
    /// First pause before a retry.
    pub pause: Duration,
}

/// A file in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedModel {
    /// Where it is.
    pub path: PathBuf,
    /// Its SHA-256.
    pub sha256: String,
    /// Whether it was cached before.
    pub was_there: bool,
}

#[derive(Deserialize)]
struct Index {
    files: Vec<Wheel>,
}

#[derive(Deserialize)]
struct Wheel {
    filename: String,
    url: String,
}

impl ModelCache {
    /// Fetches a listed model: from its Python package if it has one, otherwise from the hub; on failure from the other
    /// source.
    pub async fn fetch(
        &self,
        model: &Model,
        sources: &Sources,
        progress: Progress<'_>,
    ) -> Result<CachedModel> {
        let path = self.path(model);
        if path.is_file() {
            let sha256 = sum_of(&path)?;
            match &model.sha256 {
                Some(wanted) if *wanted != sha256 => return Err(wrong(&path, sha256, wanted)),
                _ => return Ok(CachedModel { path, sha256, was_there: true }),
            }
        }
        let from_hub = async || -> Result<CachedModel> {
            let address = format!("/{}/resolve/{}/{}", model.hub, model.revision, model.file);
            let client = Client::new(&sources.hub, sources.token.clone(), Auth::Bearer, &[])?;
            let wanted = model.sha256.as_deref();
            self.download(&client, &address, &model.file, wanted, sources.pause, progress).await
        };
        match &model.package {
            None => from_hub().await,
            Some(package) => match self.unpack_package(model, package, sources, progress).await {
                Ok(kept) => Ok(kept),
                // Both failed: report both, the first says more about this machine.
                Err(Error::Remote(first)) => from_hub()
                    .await
                    .map_err(|second| Error::unfit(format!("{first}; and from the hub: {second}"))),
                Err(other) => Err(other),
            },
        }
    }

    /// Fetches a file from any URL.
    pub async fn fetch_url(
        &self,
        url: &str,
        sha256: Option<&str>,
        sources: &Sources,
        progress: Progress<'_>,
    ) -> Result<CachedModel> {
        let parsed = reqwest::Url::parse(url).map_err(|e| Error::unfit(format!("{url}: {e}")))?;
        let name = parsed.path().rsplit('/').next().unwrap_or_default().to_owned();
        if !has_ending(Path::new(&name), "gguf") {
            return Err(Error::unfit(format!("{url} is not the URL of a .gguf file")));
        }
        let (base, path) = split(url, &parsed);
        // The token is sent to the hub only.
        let token = sources.token.clone().filter(|_| base == sources.hub.trim_end_matches('/'));
        let client = Client::new(base, token, Auth::Bearer, &[])?;
        self.download(&client, path, &name, sha256, sources.pause, progress).await
    }

    /// Adds a local file: a GGUF file, or a wheel that contains one.
    pub fn add(&self, file: &Path, sha256: Option<&str>) -> Result<CachedModel> {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.make_folder()?;
        if has_ending(file, "whl") {
            let member = first_model(file)?;
            let name = member.rsplit('/').next().unwrap_or_default().to_owned();
            return self.unpack(file, &member, &name, sha256);
        }
        if !has_ending(file, "gguf") {
            let what = format!("{} is neither a .gguf file nor a .whl package", file.display());
            return Err(Error::unfit(what));
        }
        let partial = self.folder.join(format!("{name}.partial"));
        fs::copy(file, &partial).map_err(Error::io("copy", file))?;
        self.keep(&partial, &name, sha256)
    }

    async fn download(
        &self,
        client: &Client,
        path: &str,
        name: &str,
        wanted: Option<&str>,
        pause: Duration,
        progress: Progress<'_>,
    ) -> Result<CachedModel> {
        self.make_folder()?;
        let partial = self.folder.join(format!("{name}.partial"));
        download(client, path, &partial, pause, progress).await?;
        self.keep(&partial, name, wanted)
    }

    async fn unpack_package(
        &self,
        model: &Model,
        package: &ModelPackage,
        sources: &Sources,
        progress: Progress<'_>,
    ) -> Result<CachedModel> {
        self.make_folder()?;
        let wheel = match &sources.package_index {
            Some(index) => self.wheel_by_index(index, package, sources.pause, progress).await?,
            None => self.wheel_by_pip(package)?,
        };
        let found = sum_of(&wheel)?;
        if found != package.sha256 {
            let error = wrong(&wheel, found, &package.sha256);
            let _ = fs::remove_file(&wheel);
            return Err(error);
        }
        let kept = self.unpack(&wheel, &package.member, &model.file, model.sha256.as_deref())?;
        let _ = fs::remove_file(&wheel);
        Ok(kept)
    }

    /// Fetches a wheel by the simple API of a package index, as JSON.
    async fn wheel_by_index(
        &self,
        index: &str,
        package: &ModelPackage,
        pause: Duration,
        progress: Progress<'_>,
    ) -> Result<PathBuf> {
        let client = Client::new(index, None, Auth::Bearer, &[])?;
        let page = client
            .request(Method::GET, &format!("/{}/", package.name))
            .header("accept", "application/vnd.pypi.simple.v1+json");
        let page: Index = client.json("look up a package", page).await?;
        let begin = format!("{}-{}-", package.name.replace('-', "_"), package.version);
        let wheel = page
            .files
            .into_iter()
            .find(|f| f.filename.starts_with(&begin) && has_ending(Path::new(&f.filename), "whl"))
            .ok_or_else(|| missing(package, index))?;
        let url = reqwest::Url::parse(&format!("{}/{}/", client.base(), package.name))
            .and_then(|page| page.join(&wheel.url))
            .map_err(|e| Error::unfit(format!("{}: {e}", wheel.url)))?;
        let (base, path) = split(url.as_str(), &url);
        let to = self.folder.join(format!("{}.partial", package.name));
        download(&Client::new(base, None, Auth::Bearer, &[])?, path, &to, pause, progress).await?;
        Ok(to)
    }

    /// Fetches a wheel with `pip`, which knows this machine's index.
    fn wheel_by_pip(&self, package: &ModelPackage) -> Result<PathBuf> {
        let folder = self.folder.join(format!("{}.pip", package.name));
        let output = Command::new("python3")
            .args([
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--only-binary=:all:",
                "--dest",
            ])
            .arg(&folder)
            .arg(format!("{}=={}", package.name, package.version))
            .stdin(Stdio::null())
            .output()
            .map_err(|e| {
                let what =
                    "python3 is needed to download a package; set PIP_INDEX_URL to do without it";
                Remote::new(ErrorKind::Unavailable, "fetch a package", what).caused_by(e)
            })?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr);
            let told =
                told.lines().rfind(|l| l.contains("ERROR")).unwrap_or("pip failed").to_owned();
            return Err(Remote::new(ErrorKind::Unavailable, "fetch a package", told).into());
        }
        let read = |e| Error::io("read", &folder)(e);
        let wheel = fs::read_dir(&folder)
            .map_err(read)?
            .flatten()
            .map(|e| e.path())
            .find(|p| has_ending(p, "whl"))
            .ok_or_else(|| missing(package, "pip"))?;
        let to = self.folder.join(format!("{}.partial", package.name));
        fs::rename(&wheel, &to).map_err(Error::io("move", &wheel))?;
        let _ = fs::remove_dir_all(&folder);
        Ok(to)
    }

    fn unpack(
        &self,
        wheel: &Path,
        member: &str,
        name: &str,
        sha256: Option<&str>,
    ) -> Result<CachedModel> {
        let file = File::open(wheel).map_err(Error::io("read", wheel))?;
        let mut archive = zip::ZipArchive::new(file)
            .map_err(|e| Error::unfit(format!("{} is not a package: {e}", wheel.display())))?;
        let mut from = archive
            .by_name(member)
            .map_err(|e| Error::unfit(format!("{} has no {member}: {e}", wheel.display())))?;
        let partial = self.folder.join(format!("{name}.partial"));
        let mut to = File::create(&partial).map_err(Error::io("write", &partial))?;
        io::copy(&mut from, &mut to).map_err(Error::io("write", &partial))?;
        to.sync_all().map_err(Error::io("write", &partial))?;
        self.keep(&partial, name, sha256)
    }

    /// Gives a complete file its name, if its checksum matches.
    fn keep(&self, partial: &Path, name: &str, wanted: Option<&str>) -> Result<CachedModel> {
        let sha256 = sum_of(partial)?;
        if let Some(wanted) = wanted.filter(|w| !w.eq_ignore_ascii_case(&sha256)) {
            let error = wrong(&self.folder.join(name), sha256, wanted);
            // Resuming from it would fail again.
            let _ = fs::remove_file(partial);
            return Err(error);
        }
        let mut magic = [0; 4];
        let whole = File::open(partial).and_then(|mut f| io::Read::read_exact(&mut f, &mut magic));
        if whole.is_err() || magic != *b"GGUF" {
            let _ = fs::remove_file(partial);
            return Err(Error::unfit(format!("{name} is not a model in the GGUF format")));
        }
        let path = self.folder.join(name);
        fs::rename(partial, &path).map_err(Error::io("move", partial))?;
        Ok(CachedModel { path, sha256, was_there: false })
    }

    fn make_folder(&self) -> Result<()> {
        fs::create_dir_all(&self.folder).map_err(Error::io("make", &self.folder))
    }
}

fn wrong(path: &Path, found: String, wanted: &str) -> Error {
    Error::Checksum { what: path.display().to_string(), found, wanted: wanted.to_owned() }
}

fn missing(package: &ModelPackage, at: &str) -> Remote {
    let what = format!("{at} has no wheel of {} {}", package.name, package.version);
    Remote::new(ErrorKind::Unavailable, "fetch a package", what)
}

/// Splits a URL into server and path.
fn split<'a>(url: &'a str, parsed: &reqwest::Url) -> (&'a str, &'a str) {
    let at = url.find("://").map_or(0, |i| i + 3);
    let end = url[at..].find('/').map_or(url.len(), |i| at + i);
    debug_assert!(parsed.path().starts_with('/'));
    url.split_at(end)
}

/// The first GGUF file of a package.
fn first_model(wheel: &Path) -> Result<String> {
    let file = File::open(wheel).map_err(Error::io("read", wheel))?;
    let archive = zip::ZipArchive::new(file)
        .map_err(|e| Error::unfit(format!("{} is not a package: {e}", wheel.display())))?;
    let found = archive.file_names().flatten().find(|n| n.ends_with(".gguf"));
    found
        .map(Cow::into_owned)
        .ok_or_else(|| Error::unfit(format!("{} contains no .gguf file", wheel.display())))
}
