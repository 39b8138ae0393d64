use bytes::{Bytes, BytesMut};
use clinstruct_batch_client::{Error, ErrorKind, Result, RowStream};
use futures::stream::{self, BoxStream, StreamExt as _};

/// The error of a download that ended too soon, after so many bytes; asking again is free.
fn cut(received: u64, what: &str) -> Error {
    let message = format!("the download was cut off: {what}");
    Error { received: Some(received), ..Error::new(ErrorKind::Truncated, "fetch rows", message) }
}

struct Splitter {
    from: BoxStream<'static, Result<Bytes>>,
    held: BytesMut,
    /// Bytes of `held` that were searched for a line end.
    searched: usize,
    got: u64,
    expected: Option<u64>,
    over: bool,
}

/// A byte stream as lines, without blank ones.
///
/// A stream that ends within a line, or before `expected` bytes if known, ends with an error: the rest of its rows
/// exists and is paid for.
pub fn lines(from: BoxStream<'static, Result<Bytes>>, expected: Option<u64>) -> RowStream {
    let splitter =
        Splitter { from, held: BytesMut::new(), searched: 0, got: 0, expected, over: false };
    stream::unfold(splitter, |mut s| async move {
        loop {
            if let Some(line) = s.line() {
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                return Some((Ok(line), s));
            }
            if s.over {
                return None;
            }
            match s.from.next().await {
                Some(Ok(bytes)) => {
                    s.got += bytes.len() as u64;
                    s.held.extend_from_slice(&bytes);
                }
                Some(Err(e)) => {
                    s.over = true;
                    let _ = s.drop_held();
                    return Some((Err(e), s));
                }
                None => {
                    s.over = true;
                    return s.end().map(|last| (last, s));
                }
            }
        }
    })
    .boxed()
}

impl Splitter {
    fn line(&mut self) -> Option<Vec<u8>> {
        let at = self.held[self.searched..].iter().position(|b| *b == b'\n');
        let Some(at) = at else {
            self.searched = self.held.len();
            return None;
        };
        let line = self.held.split_to(self.searched + at + 1);
        self.searched = 0;
        Some(line[..line.len() - 1].to_vec())
    }

    fn drop_held(&mut self) -> BytesMut {
        self.searched = 0;
        std::mem::take(&mut self.held)
    }

    /// Handles the end of the stream: the buffer is a last line without a line end, or truncated.
    fn end(&mut self) -> Option<Result<Vec<u8>>> {
        if let Some(expected) = self.expected
            && self.got != expected
        {
            return Some(Err(cut(self.got, &format!("{} of {expected} bytes came", self.got))));
        }
        let rest = self.drop_held();
        if rest.iter().all(u8::is_ascii_whitespace) {
            return None;
        }
        if serde_json::from_slice::<serde::de::IgnoredAny>(&rest).is_err() {
            return Some(Err(cut(
                self.got,
                &format!("it ends within a row, after {} bytes", self.got),
            )));
        }
        Some(Ok(rest.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn split(
        parts: &[&str],
        expected: Option<u64>,
    ) -> Vec<std::result::Result<String, String>> {
        let parts: Vec<Result<Bytes>> =
            parts.iter().map(|p| Ok(Bytes::copy_from_slice(p.as_bytes()))).collect();
        lines(stream::iter(parts).boxed(), expected)
            .map(|r| r.map(|l| String::from_utf8(l).unwrap()).map_err(|e| e.message))
            .collect()
            .await
    }

    #[tokio::test]
    async fn lines_come_whole_however_the_bytes_come() {
        let expected: Vec<_> = ["{\"a\":1}", "{\"b\":2}", "3"].map(|l| Ok(l.to_owned())).into();
        assert_eq!(split(&["{\"a\":1}\n{\"b", "\":2}\n", "\n3\n"], Some(19)).await, expected);
        assert_eq!(split(&["{\"a\":1}\n{\"b\":2}\n3"], None).await, expected);
    }

    #[tokio::test]
    async fn a_cut_is_an_error_after_the_lines_that_came() {
        let cut = split(&["{\"a\":1}\n{\"b"], None).await;
        assert_eq!(cut[0], Ok("{\"a\":1}".into()));
        assert!(cut[1].as_ref().unwrap_err().contains("within a row"));
        let short = split(&["{\"a\":1}\n"], Some(30)).await;
        assert!(short[1].as_ref().unwrap_err().contains("8 of 30 bytes"));
        assert_eq!(short.len(), 2);
    }
}
