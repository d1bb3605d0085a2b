//! `demo-server grants`: the live grants of a subject or client.

use std::error::Error;
use std::io::{Write as _, stdout};

use regrant::Subject;
use regrant::grant::GrantSummary;
use serde_json::Value;

use super::{Outcome, end, open, to_second};
use crate::arguments::Grants;
use crate::{counted, inspection};

/// The records that one call of the store reads: the most that the library allows.
const PAGE: usize = 1000;

const HEADING: &str = "grant\tclient\tsubject\tgrant type\tcreated\tlast used\texpires\tscope\n";

/// Writes each page before the next one is read, so that a million grants need the memory of a thousand.
pub(super) async fn run(arguments: Grants) -> Result<Outcome, Box<dyn Error>> {
    let server = open(&arguments.place, None).await?;
    let owner = arguments.owner.into_owner().ok_or("--subject or --client is needed")?;
    let (mut after, mut listed) = (None, 0);
    let mut text = if arguments.json { String::new() } else { HEADING.to_owned() };
    loop {
        let page = server.service.grants(&owner, after, PAGE).await?;
        for grant in &page.grants {
            let shown =
                if arguments.json { Value::Object(inspection::summary(grant)).to_string() } else { line(grant) };
            text.push_str(&shown);
            text.push('\n');
        }
        let mut output = stdout();
        output.write_all(text.as_bytes())?;
        output.flush()?;
        text.clear();
        listed += page.grants.len();
        after = page.next;
        if after.is_none() {
            eprintln!("{}", counted(listed, "grant"));
            return Ok(Outcome::Done);
        }
    }
}

/// One line, separated by tabs, which no value has in it.
fn line(grant: &GrantSummary) -> String {
    let subject = grant.approval.subject.as_ref().map_or("-", Subject::as_str);
    format!(
        "{}\t{}\t{subject}\t{}\t{}\t{}\t{}\t{}",
        grant.id,
        grant.client_id,
        grant.grant_type,
        to_second(grant.created_at),
        to_second(grant.last_used_at),
        end(grant.expires_at),
        grant.approval.scope,
    )
}
