//! The rules of the model and the engine, on random traces. Both get the same requests, faults and times, and must give
//! the same answers and leave the same grants.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use fixtures::Fault;
use model::fault::Fault as Defect;
use model::rules::{Grace, Node, Rules, decide};
use model::state::{Answer, Client, Key, Message, Phase, Record, Request, Ticks, Token};
use model::words::token_name;
use regrant::event::ErrorCode;
use regrant::store::GrantRecord;
use regrant::{GrantId, TokenError};

use crate::server::{Server, binding};

/// A step. Tokens are counted back from the newest one, so that a step keeps its sense when others are left out.
#[derive(Clone, Copy, Debug)]
enum Step {
    Refresh {
        back: usize,
        sender: Sender,
    },
    /// A token of the thief, who has a key of the ring. `over` is the distance from the head.
    Forge {
        over: i8,
        has_root: bool,
        bound: Option<Key>,
        sender: Sender,
    },
    /// The second request is decided between the load and the write of the first.
    Race {
        back: [usize; 2],
        senders: [Sender; 2],
    },
    /// The write of a refresh fails before or after it is stored, and is read back.
    WriteFails {
        back: usize,
        sender: Sender,
        is_stored: bool,
    },
    /// A client library sends each write twice.
    WriteIsRepeated {
        back: usize,
        sender: Sender,
    },
    Revoke {
        back: usize,
        client: Client,
    },
    Redeem {
        is_complete: bool,
        sender: Sender,
    },
    /// The store is copied; a later `Restore` loses the writes since.
    Backup,
    Restore,
    Advance(Ticks),
}

#[derive(Clone, Copy, Debug)]
struct Sender {
    node: usize,
    client: Client,
    key: Option<Key>,
}

/// A generator of numbers (`SplitMix64`).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((word ^ (word >> 31)) % u64::try_from(bound).unwrap()).unwrap()
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn rules(&mut self) -> Rules {
        let auto = Grace::Auto(60);
        Rules {
            is_confidential: self.below(3) == 0,
            grace: self.of(&[auto, auto, auto, Grace::Of(0), Grace::Of(5), Grace::Of(20), Grace::UntilSuccessorUse]),
            catch_up: self.of(&[10, 10, 0, 3, 70]),
            lead: 5,
            code_lifetime: 30,
            heals: self.below(4) != 0,
            fault: None,
        }
    }

    fn sender(&mut self) -> Sender {
        Sender {
            node: self.below(2),
            client: if self.below(12) == 0 { Client::Other } else { Client::Holder },
            key: self.of(&[None, None, None, Some(Key::Owner), Some(Key::Owner), Some(Key::Thief)]),
        }
    }

    fn back(&mut self) -> usize {
        let any = self.below(20);
        self.of(&[0, 0, 0, 0, 1, 1, 1, 2, 3, any])
    }

    fn step(&mut self) -> Step {
        let (sender, back) = (self.sender(), self.back());
        match self.below(40) {
            0..=15 => Step::Refresh { back, sender },
            16..=18 => Step::Forge {
                over: self.of(&[-2, -1, 0, 1, 1, 3]),
                has_root: self.below(2) == 0,
                bound: self.of(&[None, Some(Key::Owner), Some(Key::Thief)]),
                sender,
            },
            19..=22 => Step::Race { back: [back, self.back()], senders: [sender, self.sender()] },
            23 => Step::WriteFails { back, sender, is_stored: self.below(2) == 0 },
            24 => Step::WriteIsRepeated { back, sender },
            25 if self.below(3) == 0 => Step::Revoke { back, client: sender.client },
            25 | 26 => Step::Redeem { is_complete: self.below(3) != 0, sender },
            27 | 28 => Step::Backup,
            29 => Step::Restore,
            _ => Step::Advance(self.of(&[0, 1, 1, 2, 3, 4, 5, 6, 9, 10, 11, 19, 20, 29, 30, 59, 60, 61, 70])),
        }
    }
}

/// The model and the engine side by side.
struct Both {
    rules: Rules,
    skews: [Ticks; 2],
    server: Server,
    record: Record,
    id: GrantId,
    code: Option<String>,
    root: Option<[u8; 16]>,
    /// Every token that was answered or forged, oldest first.
    tokens: Vec<(Token, String)>,
    secrets: u8,
    backup: Option<(Record, GrantRecord)>,
    told: String,
    answers: Vec<Answer>,
}

impl Both {
    fn new(random: &mut Random, seed: u64, fault: Option<Defect>) -> Self {
        let rules = Rules { fault, ..random.rules() };
        let skews = [0, random.of(&[0, 0, 1, 3, 5, 7, -1, -4, -5, -6])];
        let server = Server::new(&rules, skews[1], seed);
        let is_code = random.below(2) == 0;
        let key = random.of(&[None, None, Some(Key::Owner)]);
        let (first, id) = if is_code { server.authorize() } else { server.issue(key) };
        let mut both = Self {
            rules,
            skews,
            record: if is_code { Record::awaiting() } else { Record::active(key.filter(|_| !rules.is_confidential)) },
            id,
            code: is_code.then(|| first.clone()),
            root: None,
            tokens: Vec::new(),
            answers: Vec::new(),
            secrets: 0,
            backup: None,
            told: format!(
                "{rules:?}, node B is {} s ahead, starts with a {}\n",
                skews[1],
                if is_code { "code" } else { "token" }
            ),
            server,
        };
        if !is_code {
            let head = both.record.head();
            both.learn(head, &first).unwrap();
        }
        both
    }

    /// Enters a token that was answered for the first time, and compares its content.
    fn learn(&mut self, token: Token, text: &str) -> Result<(), String> {
        let content = self.server.open(text);
        let (root, bound) = content.lineage.ok_or("no lineage")?;
        let expected = (u32::from(token.generation), *self.root.get_or_insert(root), binding(token.key));
        same("generation, root and binding", &(content.number, root, bound), &expected)?;
        if let Some((known, _)) = self.tokens.iter().find(|(_, known)| known == text) {
            return Err(format!("a new token equals {}", token_name(known)));
        }
        self.tokens.push((token, text.to_owned()));
        Ok(())
    }

    fn presented(&self, back: usize) -> Option<(Token, String)> {
        let last = self.tokens.len().checked_sub(1)?;
        Some(self.tokens[last - back.min(last)].clone())
    }

    fn take(&mut self, step: Step) -> Result<(), String> {
        match step {
            Step::Refresh { back, sender } => {
                let Some((token, text)) = self.presented(back) else { return Ok(()) };
                self.tell(format_args!("{} with {sender:?}", token_name(&token)));
                self.refresh(token, &text, sender)
            }
            Step::Forge { over, has_root, bound, sender } => self.forge(over, has_root, bound, sender),
            Step::Race { back, senders } => self.race(back, senders),
            Step::WriteFails { back, sender, is_stored } => self.write_fails(back, sender, is_stored),
            Step::WriteIsRepeated { back, sender } => {
                let Some((token, text)) = self.presented(back) else { return Ok(()) };
                self.tell(format_args!("{} with {sender:?}, each write twice", token_name(&token)));
                self.server.store.repeat_writes();
                let result = self.refresh(token, &text, sender);
                self.server.store.calm();
                result
            }
            Step::Revoke { back, client } => {
                let Some((token, text)) = self.presented(back) else { return Ok(()) };
                self.tell(format_args!("log-out with {} by {client:?}", token_name(&token)));
                let request = Request { message: Message::Revoke(token), client, key: None };
                let answer = self.decide(&request, 0);
                same("answer", &self.server.revoke(0, &text, client).is_ok(), &(answer == Answer::Done))
            }
            Step::Redeem { is_complete, sender } => self.redeem(is_complete, sender),
            Step::Backup => {
                // A redemption after the loss of the first one would draw another root.
                if self.record.phase != Phase::AwaitingRedemption {
                    self.tell(format_args!("backup"));
                    self.backup = Some((self.record, self.server.record(self.id)));
                }
                Ok(())
            }
            Step::Restore => {
                if let Some((record, bytes)) = self.backup.clone() {
                    self.tell(format_args!("failover to the backup"));
                    self.record = record;
                    self.server.store.overwrite(self.id, bytes);
                }
                Ok(())
            }
            Step::Advance(ticks) => {
                self.tell(format_args!("{ticks} s pass"));
                self.server.advance(ticks);
                for _ in 0..ticks {
                    self.record.age(100);
                    if let Some((record, _)) = &mut self.backup {
                        record.age(100);
                    }
                }
                Ok(())
            }
        }
    }

    fn tell(&mut self, what: std::fmt::Arguments<'_>) {
        writeln!(self.told, "  {what}").unwrap();
    }

    /// Decides by the model, and stores.
    fn decide(&mut self, request: &Request, node: usize) -> Answer {
        self.secrets += 1;
        let here = Node { skew: self.skews[node], secret: self.secrets, version: 0 };
        let decision = decide(&self.record, request, &here, &self.rules);
        self.record = decision.next.unwrap_or(self.record);
        decision.answer
    }

    fn refresh(&mut self, token: Token, text: &str, sender: Sender) -> Result<(), String> {
        let request = Request { message: Message::Refresh(token), client: sender.client, key: sender.key };
        let expected = self.decide(&request, sender.node);
        let answer = self.server.refresh(sender.node, text, sender.client, sender.key);
        self.compare(expected, answer)
    }

    fn redeem(&mut self, is_complete: bool, sender: Sender) -> Result<(), String> {
        let Some(code) = self.code.clone() else { return Ok(()) };
        self.tell(format_args!("the code with {sender:?}, complete: {is_complete}"));
        let Sender { node, client, key } = sender;
        let request = Request { message: Message::Redeem { is_complete }, client, key };
        let expected = self.decide(&request, node);
        let answer = self.server.redeem(node, &code, is_complete, client, key);
        self.compare(expected, answer)
    }

    fn forge(&mut self, over: i8, has_root: bool, bound: Option<Key>, sender: Sender) -> Result<(), String> {
        let Some(root) = self.root else { return Ok(()) };
        let generation = self.record.generation.saturating_add_signed(over);
        self.secrets += 1;
        let token = Token { generation, secret: self.secrets, has_root, key: bound };
        let text = self.server.forge(&token, self.id, root);
        self.tell(format_args!("forged {token:?} with {sender:?}"));
        self.tokens.push((token, text.clone()));
        self.refresh(token, &text, sender)
    }

    /// The engine loads for the first request; before it writes, the second one is answered. The loser decides again.
    fn race(&mut self, back: [usize; 2], senders: [Sender; 2]) -> Result<(), String> {
        let (Some(first), Some(second)) = (self.presented(back[0]), self.presented(back[1])) else { return Ok(()) };
        self.tell(format_args!(
            "race of {} with {:?} and {} with {:?}",
            token_name(&first.0),
            senders[0],
            token_name(&second.0),
            senders[1]
        ));
        let [a, b] = senders;
        let (sender, receiver) = std::sync::mpsc::channel();
        let (rival, text) = (self.server.clone(), second.1);
        self.server.store.before_next_write(move || {
            let _ = sender.send(rival.refresh(b.node, &text, b.client, b.key));
        });
        let answer = self.server.refresh(a.node, &first.1, a.client, a.key);
        let request = |token, sender: Sender| Request {
            message: Message::Refresh(token),
            client: sender.client,
            key: sender.key,
        };
        // The rival ran only if the first request wrote, and it ran first.
        if let Ok(rival) = receiver.try_recv() {
            let expected = self.decide(&request(second.0, b), b.node);
            self.compare_answer(expected, rival)?;
        } else {
            self.server.store.before_next_write(|| {});
        }
        let expected = self.decide(&request(first.0, a), a.node);
        self.compare(expected, answer)
    }

    fn write_fails(&mut self, back: usize, sender: Sender, is_stored: bool) -> Result<(), String> {
        let Some((token, text)) = self.presented(back) else { return Ok(()) };
        let request = Request { message: Message::Refresh(token), client: sender.client, key: sender.key };
        let before = self.record;
        let mut expected = self.decide(&request, sender.node);
        let writes = self.record != before;
        self.tell(format_args!("{} with {sender:?}, the write fails, stored: {is_stored}", token_name(&token)));
        if writes {
            self.server.store.fail(1, if is_stored { Fault::After } else { Fault::Before });
            if !is_stored {
                (self.record, expected) = (before, Answer::Unavailable);
            }
        }
        let answer = self.server.refresh(sender.node, &text, sender.client, sender.key);
        self.compare(expected, answer)
    }

    fn compare(&mut self, expected: Answer, answer: Result<String, TokenError>) -> Result<(), String> {
        self.compare_answer(expected, answer)?;
        self.compare_grant()
    }

    fn compare_answer(&mut self, expected: Answer, answer: Result<String, TokenError>) -> Result<(), String> {
        self.tell(format_args!("  -> {expected:?}"));
        self.answers.push(expected);
        match (expected, answer) {
            (Answer::Tokens(token), Ok(text)) => match self.tokens.iter().find(|(known, _)| *known == token) {
                Some((_, known)) => same("a repeated token", &text, known)?,
                None => self.learn(token, &text)?,
            },
            (Answer::Unavailable, Err(error)) => same("code", &error.code(), &ErrorCode::TemporarilyUnavailable)?,
            (Answer::Refused(refusal), Err(TokenError::Refused(refused))) => {
                same("refusal", &format!("{refused:?}"), &format!("{refusal:?}"))?;
            }
            (_, answer) => return Err(format!("the engine answers {answer:?}")),
        }
        Ok(())
    }

    /// Compares the grant: of the last tokens, the head alone is active, while the grant is not revoked.
    fn compare_grant(&self) -> Result<(), String> {
        let is_alive = self.record.phase == Phase::Active;
        for (token, text) in self.tokens.iter().rev().take(6) {
            let is_head = token.has_root
                && is_alive
                && (token.generation, token.secret) == (self.record.generation, self.record.secret);
            let is_active = self.server.is_active(text, self.rules.is_confidential);
            same(&format!("activity of {}", token_name(token)), &is_active, &is_head)?;
        }
        Ok(())
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, engine: &T, model: &T) -> Result<(), String> {
    if engine == model { Ok(()) } else { Err(format!("{what}: the engine has {engine:?}, the model {model:?}")) }
}

/// Runs a trace. Returns the answers of the model, or the story of the failure.
fn run(seed: u64, steps: &[Step], fault: Option<Defect>) -> Result<Vec<Answer>, String> {
    let mut both = Both::new(&mut Random(seed), seed, fault);
    for step in steps {
        both.take(*step).map_err(|error| format!("{}  {error}", both.told))?;
    }
    Ok(both.answers)
}

fn trace(seed: u64) -> Vec<Step> {
    let mut random = Random(!seed);
    (0..30).map(|_| random.step()).collect()
}

/// Leaves out steps as long as the trace still fails.
fn shrunk(seed: u64, mut steps: Vec<Step>) -> Vec<Step> {
    let mut at = 0;
    while at < steps.len() {
        let mut shorter = steps.clone();
        shorter.remove(at);
        if run(seed, &shorter, None).is_err() {
            steps = shorter;
        } else {
            at += 1;
        }
    }
    steps
}

/// `REGRANT_SEED` repeats one trace, `REGRANT_TRACES` sets their number.
#[test]
fn the_engine_and_the_model_decide_alike() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("REGRANT_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("REGRANT_TRACES").unwrap_or(2000),
    };
    println!("REGRANT_SEED from {} to {}, 30 steps each", seeds.start, seeds.end - 1);
    let mut counts = BTreeMap::<String, usize>::new();
    for seed in seeds.clone() {
        let Ok(answers) = run(seed, &trace(seed), None) else {
            let story = run(seed, &shrunk(seed, trace(seed)), None).unwrap_err();
            panic!("REGRANT_SEED={seed}\n{story}");
        };
        for answer in answers {
            let kind = if let Answer::Tokens(_) = answer { "Tokens".to_owned() } else { format!("{answer:?}") };
            *counts.entry(kind).or_default() += 1;
        }
    }
    println!("{counts:#?}");
    // Tokens, 503, and each of the refusals but ClockBehind, which is a 503.
    assert!(seeds.end - seeds.start < 2000 || counts.len() >= 2 + 11, "an answer never occurred: {counts:?}");
}

#[test]
fn the_comparison_finds_the_defects_of_the_rules() {
    for fault in Defect::ALL.into_iter().filter(|fault| fault.is_in_the_rules()) {
        let found = (0..2000).find(|seed| run(*seed, &trace(*seed), Some(fault)).is_err());
        println!("{fault:?}: trace {}", found.unwrap_or_else(|| panic!("{fault:?} was not found")));
    }
}
