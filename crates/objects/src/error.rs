use std::error::Error as _;
use std::fmt;

use clinstruct_schema::{Blame, Hint};

/// Result of using object storage.
pub type Result<T> = std::result::Result<T, Error>;

/// What is in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The text is no address of object storage.
    Address,
    /// There is no such bucket or container.
    Bucket,
    /// There is no object of this name.
    Missing,
    /// There is no run at the address.
    NoRun,
    /// The upload of the run has not finished.
    Incomplete,
    /// The manifest is not one that this version can read.
    Manifest,
    /// An object is not the one that the manifest lists.
    Changed,
    /// Another command has begun to upload to the same address.
    Overtaken,
    /// Credentials are missing, wrong or expired.
    Credentials,
    /// The credentials do not permit it.
    Permission,
    /// This machine's clock differs too much from the server's.
    Clock,
    /// The bucket is in another region.
    Region,
    /// The endpoint has no TLS, which has to be allowed.
    PlainHttp,
    /// The server does not answer, or only with temporary errors.
    Unreachable,
    /// The server refused the request.
    Refused,
    /// A local file cannot be read or written.
    Local,
}

/// An error of object storage.
#[derive(Debug)]
pub struct Error {
    /// Kind, for decisions.
    pub kind: ErrorKind,
    /// What was being done, and to what.
    pub operation: String,
    source: Option<Source>,
}

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What a server or the connection reported, without the address of the request, which may contain a signature.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Reported(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.operation)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|e| e as _)
    }
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, operation: impl Into<String>) -> Self {
        Self { kind, operation: operation.into(), source: None }
    }

    pub(crate) fn because(self, reason: impl Into<String>) -> Self {
        Self { source: Some(Box::new(Reported(reason.into()))), ..self }
    }

    /// An error of a local file.
    pub(crate) fn local(operation: impl Into<String>, e: std::io::Error) -> Self {
        Self { source: Some(Box::new(e)), ..Self::new(ErrorKind::Local, operation) }
    }

    /// An error of `object_store`.
    pub(crate) fn of_store(operation: impl Into<String>, e: &object_store::Error) -> Self {
        let whole = whole(e);
        Self::new(kind(e, &whole), operation).because(reported(&whole))
    }

    /// Why it failed, in one line.
    pub(crate) fn reason(&self) -> String {
        self.source().map_or_else(|| self.operation.clone(), ToString::to_string)
    }

    /// Whether the same request may succeed in a while.
    pub(crate) fn is_temporary(&self) -> bool {
        self.kind == ErrorKind::Unreachable
    }

    /// Whether this may mean that the server does not know an upload in parts (any more).
    ///
    /// S3 answers `NoSuchUpload` or `InvalidPart`, Azure `InvalidBlockList`; others answer "access denied".
    pub(crate) fn may_be_unknown_upload(&self) -> bool {
        match self.kind {
            ErrorKind::Missing | ErrorKind::Permission => true,
            ErrorKind::Refused => {
                let reason = self.reason();
                ["NoSuchUpload", "InvalidPart", "InvalidBlockList", "InvalidBlobOrBlock"]
                    .iter()
                    .any(|code| reason.contains(code))
            }
            _ => false,
        }
    }
}

/// The error and those below it, each text once.
fn whole(e: &object_store::Error) -> String {
    let mut all = e.to_string();
    let mut below = e.source();
    while let Some(e) = below {
        let text = e.to_string();
        if !all.contains(&text) {
            all.push_str(": ");
            all.push_str(&text);
        }
        below = e.source();
    }
    all
}

/// Texts of errors that `object_store` has no variant for, most specific first. Codes of S3 are in its
/// [list of error responses](https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html), those of Azure in
/// [its own](https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes).
const TEXTS: &[(&str, ErrorKind)] = &[
    ("NoSuchBucket", ErrorKind::Bucket),
    ("InvalidBucketName", ErrorKind::Bucket),
    ("ContainerNotFound", ErrorKind::Bucket),
    ("InvalidResourceName", ErrorKind::Bucket),
    ("bucket does not exist", ErrorKind::Bucket),
    ("RequestTimeTooSkewed", ErrorKind::Clock),
    ("Request date header too old", ErrorKind::Clock),
    ("InvalidAccessKeyId", ErrorKind::Credentials),
    ("SignatureDoesNotMatch", ErrorKind::Credentials),
    ("ExpiredToken", ErrorKind::Credentials),
    ("InvalidToken", ErrorKind::Credentials),
    ("AuthenticationFailed", ErrorKind::Credentials),
    ("InvalidAuthenticationInfo", ErrorKind::Credentials),
    ("Account must be specified", ErrorKind::Credentials),
    ("169.254.169.254", ErrorKind::Credentials),
    ("metadata.google.internal", ErrorKind::Credentials),
    ("/api/token", ErrorKind::Credentials),
    ("credential", ErrorKind::Credentials),
    ("redirect", ErrorKind::Region),
    ("PermanentRedirect", ErrorKind::Region),
    ("AuthorizationHeaderMalformed", ErrorKind::Region),
    ("scheme is not allowed", ErrorKind::PlainHttp),
];

fn kind(e: &object_store::Error, text: &str) -> ErrorKind {
    use object_store::Error as Store;
    if let Some((_, kind)) = TEXTS.iter().find(|(part, _)| text.contains(part)) {
        return *kind;
    }
    match e {
        Store::NotFound { .. } => ErrorKind::Missing,
        Store::PermissionDenied { .. } => ErrorKind::Permission,
        Store::Unauthenticated { .. } => ErrorKind::Credentials,
        Store::Generic { .. } => {
            let is_refused = ["status code: 4", "error response"].iter().any(|t| text.contains(t));
            // Too many requests, and a request that took too long.
            let is_pace = ["status code: 429", "status code: 408", "SlowDown", "InternalError"];
            if is_refused && !is_pace.iter().any(|t| text.contains(t)) {
                ErrorKind::Refused
            } else {
                ErrorKind::Unreachable
            }
        }
        _ => ErrorKind::Refused,
    }
}

/// What was reported, without the address of the request and without markup.
fn reported(text: &str) -> String {
    // `Error performing PUT https://..?sig=.. in 3ms, after 2 retries, .. - Server returned ..`
    let text = match text.split_once("Error performing ") {
        Some((_, rest)) => rest.split_once(" - ").map_or(rest, |(_, reason)| reason),
        None => text,
    };
    let text = match text.split_once("<?xml").or_else(|| text.split_once("<Error>")) {
        Some((before, markup)) => {
            let of = |tag: &str| {
                let (_, rest) = markup.split_once(&format!("<{tag}>"))?;
                Some(rest.split_once(&format!("</{tag}>"))?.0.to_owned())
            };
            let said: Vec<String> = ["Code", "Message"].into_iter().filter_map(of).collect();
            format!("{}{}", before.trim_start_matches("Server returned "), said.join(": "))
        }
        None => text.to_owned(),
    };
    let plain: Vec<&str> = text.split_whitespace().map(without_query).collect();
    plain.join(" ").trim_end_matches([':', ' ']).to_owned()
}

/// A word without the query of an address, which may contain a signature.
fn without_query(word: &str) -> &str {
    if !word.contains("://") {
        return word;
    }
    word.split_once('?').map_or(word, |(address, _)| address)
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        let hint = match self.kind {
            ErrorKind::Address => {
                "write s3://BUCKET/FOLDER, gs://BUCKET/FOLDER, az://CONTAINER/FOLDER or file:///FOLDER, without a key"
            }
            ErrorKind::Bucket => {
                "check the name of the bucket or container, and create it if there is none; AWS_ENDPOINT_URL names another server"
            }
            ErrorKind::Missing => "check the address",
            ErrorKind::NoRun => {
                "check the address; `clinstruct build --out ADDRESS` uploads a run once it is finished"
            }
            ErrorKind::Incomplete => {
                "rerun the command that builds the run, on the machine that has it: it resumes the upload"
            }
            ErrorKind::Manifest => {
                "use the newer clinstruct that uploaded the run, or check the address"
            }
            ErrorKind::Changed => {
                "rerun this command in case an upload has just replaced the run; otherwise rerun the command that builds it"
            }
            ErrorKind::Overtaken => "let one command upload to an address, then rerun this one",
            ErrorKind::Credentials => {
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN), AZURE_STORAGE_ACCOUNT_NAME and \
                 AZURE_STORAGE_ACCOUNT_KEY, or GOOGLE_APPLICATION_CREDENTIALS; profiles in ~/.aws are not read"
            }
            ErrorKind::Permission => {
                "the credentials need permission to list, read, write and delete objects at this address"
            }
            ErrorKind::Clock => "set this machine's clock, then rerun the same command",
            ErrorKind::Region => "set AWS_REGION to the region of the bucket",
            ErrorKind::PlainHttp => {
                "use an endpoint with https://, or set AWS_ALLOW_HTTP=true (AZURE_ALLOW_HTTP=true) for a server in your own network"
            }
            ErrorKind::Unreachable => {
                "check the network and AWS_ENDPOINT_URL, then rerun the same command: it resumes what has begun"
            }
            ErrorKind::Refused => {
                "fix what the server reports, then rerun the same command to resume"
            }
            ErrorKind::Local => {
                return match self.source.as_deref().and_then(|e| e.downcast_ref()) {
                    Some(e) => std::io::Error::hint(e),
                    None => None,
                };
            }
        };
        Some(hint.to_owned())
    }

    fn blame(&self) -> Blame {
        match self.kind {
            ErrorKind::Address
            | ErrorKind::Bucket
            | ErrorKind::Missing
            | ErrorKind::NoRun
            | ErrorKind::Incomplete
            | ErrorKind::Manifest
            | ErrorKind::PlainHttp
            | ErrorKind::Region => Blame::Usage,
            ErrorKind::Changed
            | ErrorKind::Overtaken
            | ErrorKind::Credentials
            | ErrorKind::Permission
            | ErrorKind::Clock
            | ErrorKind::Unreachable
            | ErrorKind::Refused
            | ErrorKind::Local => Blame::Environment,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> object_store::Error {
        object_store::Error::Generic { store: "S3", source: text.into() }
    }

    #[test]
    fn an_error_of_a_server_is_told_apart_by_what_it_reports() {
        let performing =
            "Error performing PUT http://127.0.0.1:9/b/k?sig=secret in 3ms, after 1 retries - ";
        let answered = |status: &str, code: &str| {
            format!(
                "{performing}Server returned non-2xx status code: {status}: <?xml version=\"1.0\"?><Error><Code>{code}</Code>\
                 <Message>No.</Message></Error>"
            )
        };
        for (text, kind, reason) in [
            (
                answered("404 Not Found", "NoSuchBucket"),
                ErrorKind::Bucket,
                "non-2xx status code: 404 Not Found: NoSuchBucket: No.",
            ),
            (
                answered("403", "RequestTimeTooSkewed"),
                ErrorKind::Clock,
                "non-2xx status code: 403: RequestTimeTooSkewed: No.",
            ),
            (
                answered("400 Bad Request", "EntityTooSmall"),
                ErrorKind::Refused,
                "non-2xx status code: 400 Bad Request: EntityTooSmall: No.",
            ),
            (
                answered("503 Service Unavailable", "SlowDown"),
                ErrorKind::Unreachable,
                "non-2xx status code: 503 Service Unavailable: SlowDown: No.",
            ),
            (
                format!("{performing}HTTP error: error sending request"),
                ErrorKind::Unreachable,
                "HTTP error: error sending request",
            ),
            (
                format!(
                    "{performing}Received redirect without LOCATION, this normally indicates an incorrectly configured region"
                ),
                ErrorKind::Region,
                "Received redirect without LOCATION, this normally indicates an incorrectly configured region",
            ),
            (
                "see https://host/b?sig=secret for it".to_owned(),
                ErrorKind::Unreachable,
                "Generic S3 error: see https://host/b for it",
            ),
        ] {
            let e = Error::of_store("cannot write", &generic(&text));
            assert_eq!((e.kind, e.reason().as_str()), (kind, reason), "{text}");
            assert!(!format!("{e:?}").contains("secret"), "{e:?}");
        }
    }

    #[test]
    fn each_kind_has_a_hint() {
        use ErrorKind as Kind;
        let kinds = [
            Kind::Address,
            Kind::Bucket,
            Kind::Missing,
            Kind::NoRun,
            Kind::Incomplete,
            Kind::Manifest,
            Kind::Changed,
            Kind::Overtaken,
            Kind::Credentials,
            Kind::Permission,
            Kind::Clock,
            Kind::Region,
            Kind::PlainHttp,
            Kind::Unreachable,
            Kind::Refused,
        ];
        let hints: Vec<String> = kinds
            .into_iter()
            .map(|kind| {
                let e = Error::new(kind, "");
                format!("{kind:?}, {:?}: {}", e.blame(), e.hint().unwrap_or_default())
            })
            .collect();
        insta::assert_snapshot!(hints.join("\n"), @"
        Address, Usage: write s3://BUCKET/FOLDER, gs://BUCKET/FOLDER, az://CONTAINER/FOLDER or file:///FOLDER, without a key
        Bucket, Usage: check the name of the bucket or container, and create it if there is none; AWS_ENDPOINT_URL names another server
        Missing, Usage: check the address
        NoRun, Usage: check the address; `clinstruct build --out ADDRESS` uploads a run once it is finished
        Incomplete, Usage: rerun the command that builds the run, on the machine that has it: it resumes the upload
        Manifest, Usage: use the newer clinstruct that uploaded the run, or check the address
        Changed, Environment: rerun this command in case an upload has just replaced the run; otherwise rerun the command that builds it
        Overtaken, Environment: let one command upload to an address, then rerun this one
        Credentials, Environment: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN), AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, or GOOGLE_APPLICATION_CREDENTIALS; profiles in ~/.aws are not read
        Permission, Environment: the credentials need permission to list, read, write and delete objects at this address
        Clock, Environment: set this machine's clock, then rerun the same command
        Region, Usage: set AWS_REGION to the region of the bucket
        PlainHttp, Usage: use an endpoint with https://, or set AWS_ALLOW_HTTP=true (AZURE_ALLOW_HTTP=true) for a server in your own network
        Unreachable, Environment: check the network and AWS_ENDPOINT_URL, then rerun the same command: it resumes what has begun
        Refused, Environment: fix what the server reports, then rerun the same command to resume
        ");
        let full = Error::local("cannot write x", std::io::ErrorKind::StorageFull.into());
        assert_eq!(full.hint(), std::io::Error::from(std::io::ErrorKind::StorageFull).hint());
    }
}
