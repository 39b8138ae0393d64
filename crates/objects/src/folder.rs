//! Uploads in parts to a folder, which `object_store` resumes for servers only.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use clinstruct_whole_file::WholeFile;
use object_store::local::LocalFileSystem;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{Error, Extensions, MultipartId, PutPayload, PutResult, Result};
use tokio::fs;

/// Keeps the parts of `NAME` in `.NAME.parts` until the file is complete.
#[derive(Debug)]
pub(crate) struct FolderParts(pub(crate) Arc<LocalFileSystem>);

impl FolderParts {
    fn file(&self, path: &Path) -> Result<PathBuf> {
        self.0.path_to_filesystem(path)
    }

    fn parts(&self, path: &Path) -> Result<PathBuf> {
        let file = self.file(path)?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        Ok(file.with_file_name(format!(".{name}.parts")))
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> Error + '_ {
    move |e| match e.kind() {
        io::ErrorKind::NotFound => Error::NotFound { path: path.to_string(), source: e.into() },
        io::ErrorKind::PermissionDenied => {
            Error::PermissionDenied { path: path.to_string(), source: e.into() }
        }
        _ => Error::NotSupported { source: e.into() },
    }
}

#[async_trait]
impl MultipartStore for FolderParts {
    async fn create_multipart(&self, path: &Path) -> Result<MultipartId> {
        let parts = self.parts(path)?;
        match fs::remove_dir_all(&parts).await {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(failed(path)(e)),
            _ => {}
        }
        fs::create_dir_all(&parts).await.map_err(failed(path))?;
        Ok("folder".to_owned())
    }

    async fn put_part(
        &self,
        path: &Path,
        _: &MultipartId,
        part_idx: usize,
        data: PutPayload,
    ) -> Result<PartId> {
        let parts = self.parts(path)?;
        // Not made here: a folder that is gone is an upload that is unknown.
        fs::metadata(&parts).await.map_err(failed(path))?;
        let part = parts.join(part_idx.to_string());
        let written = tokio::task::spawn_blocking(move || {
            use io::Write as _;
            let mut file = WholeFile::create(part)?;
            data.iter().try_for_each(|bytes| file.write_all(bytes))?;
            file.finish()
        });
        written.await?.map_err(failed(path))?;
        Ok(PartId { content_id: part_idx.to_string() })
    }

    async fn complete_multipart(
        &self,
        path: &Path,
        _: &MultipartId,
        parts: Vec<PartId>,
    ) -> Result<PutResult> {
        let (folder, file) = (self.parts(path)?, self.file(path)?);
        let from = folder.clone();
        let written = tokio::task::spawn_blocking(move || {
            let mut file = WholeFile::create(file)?;
            for part in parts {
                io::copy(&mut std::fs::File::open(from.join(part.content_id))?, &mut file)?;
            }
            file.finish()
        });
        written.await?.map_err(failed(path))?;
        // The file is complete, and the next upload of this name clears the folder.
        let _ = fs::remove_dir_all(folder).await;
        Ok(PutResult { e_tag: None, version: None, extensions: Extensions::default() })
    }

    async fn abort_multipart(&self, path: &Path, _: &MultipartId) -> Result<()> {
        fs::remove_dir_all(self.parts(path)?).await.map_err(failed(path))
    }
}
