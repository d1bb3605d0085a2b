//! Mutations of a corpus: splices, flips, words, repeats. Deterministic by its seed.

/// Words that parsers compare with, and values at the ends of ranges.
const WORDS: [&[u8]; 72] = [
    b"&",
    b"=",
    b"%00",
    b"%",
    b"+",
    b"%C3%A9",
    b"\xc3",
    b"\xff",
    b"\0",
    b"\n",
    b"\r\n",
    b" ",
    b"..",
    b"\x1e",
    b"scope",
    b"resource",
    b"client_id",
    b"client_secret",
    b"grant_type",
    b"refresh_token",
    b"code",
    b"openid",
    b"request_uri",
    b"request=spa|{",
    b"redirect_uri=",
    b"response_mode=form_post",
    b"state=",
    b"c4n4ryQ7x",
    b"authorization_details=",
    b"\"type\":\"account\"",
    b"\"redirect_uris\":[",
    b"https://",
    b"javascript:",
    b"\xe2\x80\xae",
    b"rt_",
    b"at_",
    b"ac_",
    b"dc_",
    b"Basic ",
    b"DPoP ",
    b"Cert=\"",
    b";",
    b",",
    b"\\",
    b"\"",
    b":",
    b"-----BEGIN CERTIFICATE-----",
    b"-----END CERTIFICATE-----",
    b"-----BEGIN PUBLIC KEY-----",
    b"{",
    b"}",
    b"[",
    b"]",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"1e999",
    b"9223372036854775807",
    b"18446744073709551616",
    b"\\u0000",
    b"\\ud800",
    b"\"alg\":\"none\"",
    b"\"alg\":\"HS256\"",
    b"\"exp\":",
    b"\"kty\":\"OKP\"",
    b"#",
    b"@",
    b"http://127.0.0.1:",
    b"http://[::1]",
    b"\x30\x82",
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
];

/// A source of mutations.
pub struct Mutator(u64);

impl Mutator {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a mutation of one input of the corpus, at most `max_len` bytes long.
    pub fn mutation(&mut self, corpus: &[Vec<u8>], max_len: usize) -> Vec<u8> {
        let mut input = if corpus.is_empty() { Vec::new() } else { corpus[self.below(corpus.len())].clone() };
        for _ in 0..=self.below(4) {
            self.change(&mut input, corpus, max_len);
        }
        input.truncate(max_len);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>], max_len: usize) {
        let at = self.below(input.len() + 1);
        let end = (at + self.below(16) + 1).min(input.len());
        match self.below(10) {
            0 | 1 => input.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << self.below(8)),
            2 => input.get_mut(at).into_iter().for_each(|byte| *byte = self.byte()),
            3 => drop(input.splice(at..at, (0..=self.below(8)).map(|_| self.byte()).collect::<Vec<_>>())),
            4 => drop(input.drain(at..end)),
            5 => {
                let piece = input[at..end].to_vec();
                let to = self.below(input.len() + 1);
                drop(input.splice(to..to, piece));
            }
            6 | 7 => {
                let word = WORDS[self.below(WORDS.len())];
                let end = if self.below(2) == 0 { at } else { end };
                drop(input.splice(at..end, word.iter().copied()));
            }
            8 if !corpus.is_empty() => {
                let other = &corpus[self.below(corpus.len())];
                let from = self.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            _ => {
                // Rarely: a long input is slow, and most of its faults are in its length.
                let piece = input[at..end].to_vec();
                let room = max_len.saturating_sub(input.len()) / piece.len().max(1);
                let times = if self.below(8) == 0 { room } else { room.min(self.below(8)) };
                drop(input.splice(at..at, piece.repeat(times)));
            }
        }
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("below a usize")
    }

    /// The generator `SplitMix64`.
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}
