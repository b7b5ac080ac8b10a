//! A client of initserve in one file, without dependencies: asks a server for the initial weights of neural networks,
//! reads what it answers, and draws the stream initserve/1 itself where no server is wanted (docs/stream.md).
//!
//! Copy it beside your sources and say `mod initserve;`. It speaks HTTP without TLS. Rust 1.63 or later.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

/// What went wrong.
#[derive(Debug)]
pub enum Error {
    /// What a server refused; `message` has the problem's detail and its `try`.
    Problem { status: u16, message: String, change: Option<String> },
    /// Bytes that are not those, or not in the form, that they should be.
    Damaged(String),
    /// What `draw` leaves to a server.
    Undrawable(String),
    Io(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Problem { message, .. } | Error::Damaged(message) | Error::Undrawable(message) => to.write_str(message),
            Error::Io(error) => error.fmt(to),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Error::Io(error)
    }
}

fn damaged<T>(why: impl Into<String>) -> Result<T, Error> {
    Err(Error::Damaged(why.into()))
}

fn undrawable<T>(why: impl Into<String>) -> Result<T, Error> {
    Err(Error::Undrawable(why.into()))
}

// ---- Arrays

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DType {
    Float64,
    Float32,
    Float16,
    BFloat16,
}

/// Its name, and what .npy and .safetensors call it.
const DTYPES: [(DType, &str, &str, &str, usize); 4] = [
    (DType::Float64, "float64", "<f8", "F64", 8),
    (DType::Float32, "float32", "<f4", "F32", 4),
    (DType::Float16, "float16", "<f2", "F16", 2),
    (DType::BFloat16, "bfloat16", "", "BF16", 2),
];

impl DType {
    pub fn name(self) -> &'static str {
        self.row().1
    }

    pub fn width(self) -> usize {
        self.row().4
    }

    fn row(self) -> &'static (DType, &'static str, &'static str, &'static str, usize) {
        DTYPES.iter().find(|row| row.0 == self).expect("every dtype has a row")
    }
}

/// An array in C order; its bytes are as they are sent, little-endian.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    pub dtype: DType,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

/// By key: layer/array, in PyTorch's layout layer.array.
pub type Arrays = BTreeMap<String, Array>;

impl Array {
    fn new(dtype: DType, shape: Vec<usize>, bytes: Vec<u8>) -> Result<Array, Error> {
        let length = shape.iter().try_fold(dtype.width(), |found, size| found.checked_mul(*size));
        if length != Some(bytes.len()) {
            return damaged(format!("{} bytes are no {} of {:?}", bytes.len(), dtype.name(), shape));
        }
        Ok(Array { dtype, shape, bytes })
    }

    /// The values, whatever the dtype.
    pub fn values(&self) -> Vec<f64> {
        self.bytes.chunks_exact(self.dtype.width()).map(|bytes| self.dtype.value(bytes)).collect()
    }
}

impl DType {
    fn value(self, bytes: &[u8]) -> f64 {
        match self {
            DType::Float64 => f64::from_le_bytes(bytes.try_into().expect("eight bytes")),
            DType::Float32 => f64::from(f32::from_le_bytes(bytes.try_into().expect("four bytes"))),
            DType::BFloat16 => f64::from(f32::from_le_bytes([0, 0, bytes[0], bytes[1]])),
            DType::Float16 => half_value(u16::from_le_bytes([bytes[0], bytes[1]])),
        }
    }
}

fn half_value(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 0x3FF));
    let size = match exponent {
        31 if fraction != 0.0 => f64::NAN,
        31 => f64::INFINITY,
        0 => fraction * 2f64.powi(-24),
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |found, byte| found << 8 | u64::from(*byte))
}

/// Read a .npy file.
pub fn read_npy(file: &[u8]) -> Result<Array, Error> {
    if file.len() < 12 || &file[..6] != b"\x93NUMPY" {
        return damaged("this is not a .npy file");
    }
    let start = if file[6] == 1 { 10 } else { 12 };
    let length = little_endian(&file[8..start]) as usize;
    if length > file.len() - start {
        return damaged("the .npy file is cut off");
    }
    let header = String::from_utf8_lossy(&file[start..start + length]).into_owned();
    let behind = |before: &str, until: char| header.split_once(before).and_then(|(_, rest)| rest.split_once(until)).map(|(found, _)| found);
    let dtype = behind("'descr': '", '\'').and_then(|name| DTYPES.iter().find(|row| !name.is_empty() && row.2 == name));
    let shape = behind("'shape': (", ')').map(|sizes| sizes.split(',').map(str::trim).filter(|size| !size.is_empty()).map(str::parse).collect());
    match (dtype, shape) {
        (Some(row), Some(Ok(shape))) if header.contains("'fortran_order': False") => Array::new(row.0, shape, file[start + length..].to_vec()),
        _ => damaged(format!("arrays as {} are not read here", header.trim())),
    }
}

/// Read a .safetensors file.
pub fn read_safetensors(file: &[u8]) -> Result<Arrays, Error> {
    if file.len() < 8 || little_endian(&file[..8]) > (file.len() - 8) as u64 {
        return damaged("this is not a whole .safetensors file");
    }
    let (header, data) = file[8..].split_at(little_endian(&file[..8]) as usize);
    let mut arrays = Arrays::new();
    for (key, entry) in Json::parse(&String::from_utf8_lossy(header))?.members() {
        if key == "__metadata__" {
            continue;
        }
        let name = entry.text("dtype").unwrap_or_default();
        let shape = entry.get("shape").and_then(Json::sizes);
        let offsets = entry.get("data_offsets").and_then(Json::sizes).unwrap_or_default();
        match (DTYPES.iter().find(|row| row.3 == name), shape, offsets.as_slice()) {
            (Some(row), Some(shape), &[first, last]) if first <= last && last <= data.len() => {
                arrays.insert(key.clone(), Array::new(row.0, shape, data[first..last].to_vec())?);
            }
            _ => return damaged(format!("{key} is not read here")),
        }
    }
    Ok(arrays)
}

// ---- JSON

#[derive(Clone, Debug, PartialEq)]
enum Json {
    Null,
    Truth(bool),
    Number(f64),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Json {
    fn parse(text: &str) -> Result<Json, Error> {
        let mut reader = Reader { text, at: 0, depth: 0 };
        let found = reader.value()?;
        if reader.peek() != 0 {
            return damaged("this is not JSON: something follows it");
        }
        Ok(found)
    }

    fn members(&self) -> &[(String, Json)] {
        if let Json::Object(members) = self { members } else { &[] }
    }

    fn elements(&self) -> &[Json] {
        if let Json::List(elements) = self { elements } else { &[] }
    }

    /// A member that is there and not null.
    fn get(&self, key: &str) -> Option<&Json> {
        self.members().iter().find(|(name, value)| name == key && *value != Json::Null).map(|(_, value)| value)
    }

    fn text(&self, key: &str) -> Option<&str> {
        if let Some(Json::Text(text)) = self.get(key) { Some(text) } else { None }
    }

    fn sizes(&self) -> Option<Vec<usize>> {
        if !matches!(self, Json::List(_)) {
            return None;
        }
        self.elements().iter().map(|each| match each {
            Json::Number(size) if *size >= 0.0 && *size <= 9e15 && size.fract() == 0.0 => Some(*size as usize),
            _ => None,
        }).collect()
    }
}

impl fmt::Display for Json {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Json::Null => to.write_str("null"),
            Json::Truth(value) => write!(to, "{value}"),
            Json::Number(number) => write!(to, "{number}"),
            Json::Text(text) => write_text(to, text),
            Json::List(elements) => {
                to.write_str("[")?;
                for (i, each) in elements.iter().enumerate() {
                    write!(to, "{}{each}", if i > 0 { "," } else { "" })?;
                }
                to.write_str("]")
            }
            Json::Object(members) => {
                to.write_str("{")?;
                for (i, (key, value)) in members.iter().enumerate() {
                    to.write_str(if i > 0 { "," } else { "" })?;
                    write_text(to, key)?;
                    write!(to, ":{value}")?;
                }
                to.write_str("}")
            }
        }
    }
}

fn write_text(to: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    to.write_str("\"")?;
    for character in text.chars() {
        match character {
            '"' | '\\' => write!(to, "\\{character}")?,
            control if (control as u32) < 32 => write!(to, "\\u{:04x}", control as u32)?,
            other => write!(to, "{other}")?,
        }
    }
    to.write_str("\"")
}

impl Reader<'_> {
    /// The next byte that is no space; 0 at the end.
    fn peek(&mut self) -> u8 {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().take_while(|byte| b" \t\n\r".contains(byte)).count();
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    fn expect(&mut self, wanted: u8) -> Result<(), Error> {
        if self.peek() != wanted {
            return damaged(format!("this is not JSON, at {}", self.at));
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self) -> Result<Json, Error> {
        self.depth += 1;
        if self.depth > 200 {
            return damaged("this JSON is too deep");
        }
        let found = match self.peek() {
            b'"' => Json::Text(self.string()?),
            b'[' => {
                let mut elements = Vec::new();
                self.each(b']', |reader| Ok(elements.push(reader.value()?)))?;
                Json::List(elements)
            }
            b'{' => {
                let mut members = Vec::new();
                self.each(b'}', |reader| {
                    reader.peek();
                    let key = reader.string()?;
                    reader.expect(b':')?;
                    Ok(members.push((key, reader.value()?)))
                })?;
                Json::Object(members)
            }
            _ => self.word()?,
        };
        self.depth -= 1;
        Ok(found)
    }

    fn each(&mut self, close: u8, mut read: impl FnMut(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        self.at += 1;
        let mut first = true;
        while self.peek() != close {
            if !first {
                self.expect(b',')?;
            }
            first = false;
            read(self)?;
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self) -> Result<Json, Error> {
        let rest = &self.text[self.at..];
        let word = &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c)).unwrap_or(rest.len())];
        self.at += word.len();
        match (word, word.parse::<f64>()) {
            ("null", _) => Ok(Json::Null),
            ("true", _) => Ok(Json::Truth(true)),
            ("false", _) => Ok(Json::Truth(false)),
            (_, Ok(number)) if number.is_finite() => Ok(Json::Number(number)),
            _ => damaged(format!("this is not JSON: {word:?}")),
        }
    }

    fn string(&mut self) -> Result<String, Error> {
        self.expect(b'"')?;
        let mut units: Vec<u16> = Vec::new(); // UTF-16, in which escapes come in pairs
        let mut rest = self.text[self.at..].char_indices();
        while let Some((place, character)) = rest.next() {
            match character {
                '"' => {
                    self.at += place + 1;
                    return Ok(String::from_utf16_lossy(&units));
                }
                '\\' => match rest.next().map(|(_, escape)| escape) {
                    Some('u') => {
                        let digits: String = rest.by_ref().take(4).map(|(_, digit)| digit).collect();
                        match u16::from_str_radix(&digits, 16) {
                            Ok(unit) if digits.len() == 4 => units.push(unit),
                            _ => return damaged("this is not JSON: an escape"),
                        }
                    }
                    Some(escape) => match "\"\\/bfnrt".find(escape) {
                        Some(index) => units.push(u16::from(b"\"\\/\x08\x0c\n\r\t"[index])),
                        None => return damaged("this is not JSON: an escape"),
                    },
                    None => break,
                },
                other => units.extend_from_slice(other.encode_utf16(&mut [0; 2])),
            }
        }
        damaged("this is not JSON: a text does not end")
    }
}

// ---- Asking a server

/// A client of the server at a URL such as http://127.0.0.1:8000.
pub struct Client {
    pub url: String,
    /// How often a request is made before it is given up.
    pub attempts: u32,
    /// The wait before the second of them.
    pub delay: Duration,
    /// An API key, where the server wants one: that of INITSERVE_KEY, unless another is set.
    pub key: Option<String>,
}

/// The head of an answer, and the connection on which the rest comes.
struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Box<dyn Read>,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }

    fn text(mut self) -> Result<String, Error> {
        let (mut bytes, length) = (Vec::new(), self.length());
        self.body.read_to_end(&mut bytes)?;
        if length.map_or(false, |length| length != bytes.len() as u64) {
            return damaged("the answer broke off");
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn problem(self) -> Error {
        let status = self.status;
        let text = self.text().unwrap_or_default();
        let problem = Json::parse(&text).unwrap_or(Json::Null);
        let detail = problem.text("detail").or_else(|| problem.text("title"));
        let mut message = detail.map_or_else(|| format!("{status} {text}"), str::to_string);
        let errors = problem.get("errors").map_or(&[][..], Json::elements).iter();
        let said: Vec<String> = errors.map(|each| format!("{}: {}", each.text("pointer").unwrap_or(""), each.text("detail").unwrap_or(""))).collect();
        if !said.is_empty() {
            message += &format!(" ({})", said.join("; "));
        }
        let change = problem.get("try").map(Json::to_string);
        if let Some(change) = &change {
            message += &format!("; try {change}");
        }
        Error::Problem { status, message, change }
    }
}

impl Client {
    pub fn new(url: &str) -> Client {
        Client { url: url.trim_end_matches('/').to_string(), attempts: 5, delay: Duration::from_millis(200), key: std::env::var("INITSERVE_KEY").ok() }
    }

    /// Post a spec, JSON, to /init: every array by its key, each compared with its digest.
    pub fn init(&self, spec: &str) -> Result<Arrays, Error> {
        let answer = Json::parse(&self.ask("/init", &[("Content-Type", "application/json")], Some(spec))?.text()?)?;
        let separator = if answer.text("layout") == Some("pytorch") { "." } else { "/" };
        let mut arrays = Arrays::new();
        for layer in answer.get("layers").map_or(&[][..], Json::elements) {
            for parameter in layer.get("parameters").map_or(&[][..], Json::elements) {
                let names = [layer.text("name").unwrap_or(""), parameter.text("name").unwrap_or("")];
                let key = names.join(separator).trim_end_matches(separator).to_string();
                let array = read_npy(&decoded(parameter.text("npy").unwrap_or(""))?)?;
                if Some(hexadecimal(&sha256(&array.bytes)).as_str()) != parameter.text("sha256") {
                    return damaged(format!("{key} has not the bytes of its digest"));
                }
                arrays.insert(key, array);
            }
        }
        Ok(arrays)
    }

    /// Write the safetensors file of a spec. It has its name only when it is whole.
    pub fn save(&self, spec: &str, path: &str) -> Result<(), Error> {
        let plan = Json::parse(&self.ask("/plan", &[("Content-Type", "application/json")], Some(spec))?.text()?)?;
        let address = match plan.get("links").and_then(|links| links.text("safetensors")) {
            Some(address) => address,
            None => return damaged("the server has no address for this spec; see its warnings"),
        };
        let part = format!("{path}.part");
        let done = fs::File::create(&part).map_err(Error::from).and_then(|mut file| self.download(address, &mut file));
        match done {
            Ok(()) => Ok(fs::rename(&part, path)?),
            Err(error) => {
                let _ = fs::remove_file(&part);
                Err(error)
            }
        }
    }

    /// Write what is at an address; where the connection breaks, it goes on from there.
    pub fn download(&self, address: &str, to: &mut impl Write) -> Result<(), Error> {
        let (mut digest, mut wanted, mut etag) = (Sha256::new(), None, String::new());
        let (mut length, mut kept, mut failures) = (None, 0u64, 0);
        while length.map_or(true, |length| kept < length) {
            let range = format!("bytes={kept}-");
            let mut headers = vec![("Want-Repr-Digest", "sha-256=1")];
            if kept > 0 {
                headers.extend([("Range", range.as_str()), ("If-Range", etag.as_str())]);
            }
            let mut reply = self.ask(address, &headers, None)?;
            if kept == 0 {
                length = Some(reply.length().ok_or_else(|| Error::Damaged("the server does not say how long this is".into()))?);
                etag = reply.header("etag").unwrap_or("").to_string();
            } else if !reply.header("content-range").unwrap_or("").starts_with(&format!("bytes {kept}-")) {
                return damaged(format!("{address} changed while it was being fetched"));
            }
            if let Some((_, rest)) = reply.header("repr-digest").and_then(|value| value.split_once("sha-256=:")) {
                wanted = rest.split_once(':').map(|(digest, _)| digest.to_string());
            }
            failures += 1;
            let mut bytes = vec![0; 65536];
            while let Ok(count @ 1..) = reply.body.read(&mut bytes) {
                to.write_all(&bytes[..count])?;
                digest.update(&bytes[..count]);
                kept += count as u64;
                failures = 1;
            }
            if Some(kept) < length {
                if failures >= self.attempts {
                    return damaged(format!("{address} broke off after {kept} bytes"));
                }
                self.wait(failures, None);
            }
        }
        if length != Some(kept) || wanted.map_or(Ok(false), |wanted| decoded(&wanted).map(|wanted| wanted != digest.end()))? {
            return damaged(format!("{address} has not the bytes of its digest"));
        }
        Ok(())
    }

    /// An answer that is no refusal; asked for again, after a while, where the server is busy or not there.
    fn ask(&self, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Result<Reply, Error> {
        for attempt in 1.. {
            let (error, after) = match self.ask_once(path, headers, body) {
                Ok(reply) if reply.status < 300 => return Ok(reply),
                Ok(reply) if ![429, 502, 503, 504].contains(&reply.status) => return Err(reply.problem()),
                Ok(reply) => {
                    let after = reply.header("retry-after").and_then(|seconds| seconds.parse().ok());
                    (reply.problem(), after)
                }
                Err(error @ Error::Io(_)) => (error, None),
                Err(error) => return Err(error),
            };
            if attempt >= self.attempts {
                return Err(error);
            }
            self.wait(attempt, after);
        }
        unreachable!("attempts are counted")
    }

    fn wait(&self, attempt: u32, seconds: Option<u64>) {
        sleep(seconds.map_or(self.delay * 2u32.pow(attempt - 1), Duration::from_secs));
    }

    /// HTTP/1.0, in which an answer is all that comes until the connection ends.
    fn ask_once(&self, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Result<Reply, Error> {
        let host = match self.url.strip_prefix("http://") {
            Some(rest) => rest,
            None => return damaged(format!("this client speaks http:// alone, not {}", self.url)),
        };
        let address = if host.rsplit(']').next().unwrap_or(host).contains(':') { host.to_string() } else { format!("{host}:80") };
        let mut stream = TcpStream::connect(address)?;
        let (method, body) = (if body.is_some() { "POST" } else { "GET" }, body.unwrap_or(""));
        let mut request = format!("{method} {path} HTTP/1.0\r\nHost: {host}\r\nContent-Length: {}\r\n", body.len());
        if let Some(key) = &self.key {
            request += &format!("Authorization: Bearer {key}\r\n");
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        stream.write_all(format!("{request}\r\n{body}").as_bytes())?;
        let mut stream = io::BufReader::new(stream);
        let head = read_head(&mut stream)?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
        let pairs = lines.filter_map(|line| line.split_once(':'));
        let headers = pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_string())).collect();
        match status {
            Some(status) => Ok(Reply { status, headers, body: Box::new(stream) }),
            None => damaged("this is no answer of HTTP"),
        }
    }
}

fn read_head(stream: &mut impl Read) -> Result<String, Error> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > 65536 {
            return damaged("the head of this answer does not end");
        }
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn decoded(base64: &str) -> Result<Vec<u8>, Error> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut values = [None; 256];
    ALPHABET.bytes().enumerate().for_each(|(value, byte)| values[usize::from(byte)] = Some(value as u32));
    let (mut found, mut bits) = (Vec::with_capacity(base64.len() / 4 * 3), 0);
    for (count, byte) in base64.trim_end_matches('=').bytes().enumerate() {
        match values[usize::from(byte)] {
            Some(value) => bits = bits << 6 | value,
            None => return damaged("this is not base64"),
        }
        if count % 4 > 0 {
            found.push((bits >> (6 - 2 * (count % 4))) as u8);
        }
    }
    Ok(found)
}

pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

// ---- Exact numbers (section 1): BEHIND limbs of 32 bits behind the point, two before it; never negative

const BEHIND: usize = 40;
const LIMBS: usize = BEHIND + 4;

#[derive(Clone, Copy, PartialEq, Eq)]
struct Exact {
    limbs: [u32; LIMBS], // the lowest first
}

impl Exact {
    const ZERO: Exact = Exact { limbs: [0; LIMBS] };

    fn whole(number: u32) -> Exact {
        let mut found = Exact::ZERO;
        found.limbs[BEHIND] = number;
        found
    }

    /// The size of a number, below 2^96.
    fn of(x: f64) -> Exact {
        let bits = x.abs().to_bits();
        let exponent = (bits >> 52) as i32;
        let fraction = bits & ((1 << 52) - 1) | if exponent > 0 { 1 << 52 } else { 0 };
        let mut found = Exact::ZERO;
        let place = 32 * BEHIND as i32 + exponent.max(1) - 1075; // of the lowest bit
        for bit in 0..53 {
            let at = place + bit;
            if fraction >> bit & 1 == 1 && at >= 0 && at < 32 * LIMBS as i32 {
                found.limbs[at as usize / 32] |= 1 << (at % 32);
            }
        }
        found
    }

    fn is_zero(&self) -> bool {
        self.limbs == [0; LIMBS]
    }

    fn less(&self, other: &Exact) -> bool {
        self.limbs.iter().rev().lt(other.limbs.iter().rev())
    }

    fn plus(&self, other: &Exact) -> Exact {
        let (mut found, mut carry) = (Exact::ZERO, 0);
        for i in 0..LIMBS {
            carry += u64::from(self.limbs[i]) + u64::from(other.limbs[i]);
            found.limbs[i] = carry as u32;
            carry >>= 32;
        }
        found
    }

    /// The difference of a number and one that is not larger.
    fn minus(&self, other: &Exact) -> Exact {
        let (mut found, mut borrow) = (Exact::ZERO, 0);
        for i in 0..LIMBS {
            let rest = i64::from(self.limbs[i]) - i64::from(other.limbs[i]) + borrow;
            found.limbs[i] = rest as u32;
            borrow = rest >> 32;
        }
        found
    }

    fn times(&self, other: &Exact) -> Exact {
        let mut product = [0u32; 2 * LIMBS];
        for i in 0..LIMBS {
            let mut carry = 0;
            for j in 0..LIMBS {
                carry += u64::from(self.limbs[i]) * u64::from(other.limbs[j]) + u64::from(product[i + j]);
                product[i + j] = carry as u32;
                carry >>= 32;
            }
            product[i + LIMBS] = carry as u32;
        }
        let mut found = Exact::ZERO;
        found.limbs.copy_from_slice(&product[BEHIND..BEHIND + LIMBS]);
        found
    }

    fn over_small(&self, divisor: u32) -> Exact {
        let (mut found, mut rest) = (Exact::ZERO, 0);
        for i in (0..LIMBS).rev() {
            let part = rest << 32 | u64::from(self.limbs[i]);
            found.limbs[i] = (part / u64::from(divisor)) as u32;
            rest = part % u64::from(divisor);
        }
        found
    }

    fn halved(&self, times: u32) -> Exact {
        (0..times).fold(*self, |found, _| found.over_small(2))
    }

    fn bit(&self, place: usize) -> bool {
        self.limbs[place / 32] >> (place % 32) & 1 == 1
    }

    /// The largest number of which `fits` is true; it is true of all below that.
    fn largest(fits: impl Fn(&Exact) -> bool) -> Exact {
        let mut found = Exact::ZERO;
        for place in (0..32 * (BEHIND + 1)).rev() {
            let mut more = found;
            more.limbs[place / 32] |= 1 << (place % 32);
            if fits(&more) {
                found = more;
            }
        }
        found
    }

    fn over(&self, other: &Exact) -> Exact {
        Exact::largest(|quotient| !self.less(&quotient.times(other)))
    }

    fn root(&self) -> Exact {
        Exact::largest(|root| !self.less(&root.times(root)))
    }

    /// To nearest, ties to even.
    fn rounded(&self) -> f64 {
        let top = match (0..32 * LIMBS).rev().find(|place| self.bit(*place)) {
            Some(top) => top,
            None => return 0.0,
        };
        let low = top.saturating_sub(62);
        let kept = (low..=top).rev().fold(0u64, |bits, place| bits << 1 | u64::from(self.bit(place)));
        let sticky = u64::from((0..low).any(|place| self.bit(place)));
        let exponent = low as i32 - 32 * BEHIND as i32;
        (kept | sticky) as f64 * 2f64.powi(exponent / 2) * 2f64.powi(exponent - exponent / 2)
    }
}

fn arctangent_of_one_over(n: u32) -> Exact {
    let mut power = Exact::whole(1).over_small(n);
    let mut sums = [Exact::ZERO; 2]; // of what is added, and of what is taken away
    for k in (0..).take_while(|k| *k < 4000) {
        sums[k as usize % 2] = sums[k as usize % 2].plus(&power.over_small(2 * k + 1));
        power = power.over_small(n).over_small(n);
        if power.is_zero() {
            break;
        }
    }
    sums[0].minus(&sums[1])
}

fn pi() -> Exact {
    // Machin 1706
    let fifth = arctangent_of_one_over(5).times(&Exact::whole(16));
    fifth.minus(&arctangent_of_one_over(239).times(&Exact::whole(4)))
}

/// The standard normal density.
fn density(x: f64) -> Exact {
    if x.is_infinite() {
        return Exact::ZERO;
    }
    let y = Exact::of(x).times(&Exact::of(x)).halved(17); // x^2 / 2, halved 16 times more
    let (mut term, mut sums) = (Exact::whole(1), [Exact::ZERO; 2]);
    for n in 1.. {
        sums[(n as usize + 1) % 2] = sums[(n as usize + 1) % 2].plus(&term);
        term = term.times(&y).over_small(n);
        if term.is_zero() {
            break;
        }
    }
    let power = (0..16).fold(sums[0].minus(&sums[1]), |power, _| power.times(&power));
    power.over(&pi().plus(&pi()).root())
}

/// |Φ(x) - ½|.
fn central(x: f64) -> Exact {
    if x.abs() > 12.0 {
        return Exact::whole(1).halved(1);
    }
    let square = Exact::of(x).times(&Exact::of(x));
    let mut term = Exact::of(x).times(&density(x));
    let mut sum = term;
    for odd in (3..).step_by(2) {
        term = term.times(&square).over_small(odd);
        sum = sum.plus(&term);
        if term.is_zero() {
            break;
        }
    }
    sum
}

/// A number with its sign.
#[derive(Clone, Copy)]
struct Signed(bool, Exact);

impl Signed {
    fn minus(self, other: Signed) -> Signed {
        let (Signed(negative, a), Signed(other_negative, b)) = (self, other);
        if negative != other_negative {
            return Signed(negative, a.plus(&b));
        }
        if a.less(&b) { Signed(!negative, b.minus(&a)) } else { Signed(negative, a.minus(&b)) }
    }

    fn rounded(self) -> f64 {
        if self.0 && !self.1.is_zero() { -self.1.rounded() } else { self.1.rounded() }
    }
}

/// What is needed of a normal distribution that is cut (section 5).
#[derive(Clone, Copy)]
struct Cut {
    below: f64,
    above: f64,
    start: f64,
    end: f64,
    width: f64,
}

fn cut_at(lower: f64, upper: f64) -> Cut {
    let half = Signed(true, Exact::whole(1).halved(1)); // -½
    let (start, end) = (Signed(lower < 0.0, central(lower)), Signed(upper < 0.0, central(upper)));
    Cut {
        below: start.minus(half).rounded(),
        above: Signed(false, half.1).minus(end).rounded(),
        start: start.rounded(),
        end: end.rounded(),
        width: end.minus(start).rounded(),
    }
}

/// The deviation of a standard normal value that is cut (section 9).
fn deviation_at(lower: f64, upper: f64) -> f64 {
    let width = Signed(upper < 0.0, central(upper)).minus(Signed(lower < 0.0, central(lower))).1;
    let (left, right) = (density(lower), density(upper));
    let mean = Signed(false, left).minus(Signed(false, right)).1.over(&width);
    let edge = |bound: f64, height: &Exact| Signed(bound < 0.0, if height.is_zero() { Exact::ZERO } else { Exact::of(bound).times(height) });
    let Signed(negative, edges) = edge(lower, &left).minus(edge(upper, &right));
    let one = Signed(false, Exact::whole(1));
    let variance = one.minus(Signed(!negative, edges.over(&width))).minus(Signed(false, mean.times(&mean)));
    variance.1.root().rounded()
}

// ---- SHA-256 (FIPS 180-4)

/// SHA-256 of bytes that come part by part.
pub struct Sha256 {
    state: [u32; 8],
    rounds: [u32; 64],
    block: Vec<u8>,
    length: u64,
}

/// The first 32 bits behind the point of n's root of this degree.
fn root_bits(n: u64, degree: u32) -> u32 {
    let wanted = Exact::whole(n as u32);
    let (mut low, mut high) = (0u64, 32u64 << 32);
    while high - low > 1 {
        let middle = (low + high) / 2;
        let mut x = Exact::ZERO;
        x.limbs[BEHIND - 1] = middle as u32;
        x.limbs[BEHIND] = (middle >> 32) as u32;
        let power = (1..degree).fold(x, |power, _| power.times(&x));
        if wanted.less(&power) { high = middle } else { low = middle }
    }
    low as u32
}

impl Sha256 {
    pub fn new() -> Sha256 {
        static CONSTANTS: std::sync::Mutex<Option<([u32; 8], [u32; 64])>> = std::sync::Mutex::new(None);
        let mut kept = CONSTANTS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (state, rounds) = *kept.get_or_insert_with(|| {
            let primes: Vec<u64> = (2..312).filter(|n| (2..*n).all(|d| n % d != 0)).collect();
            let mut found = ([0; 8], [0; 64]);
            (0..8).for_each(|i| found.0[i] = root_bits(primes[i], 2));
            (0..64).for_each(|i| found.1[i] = root_bits(primes[i], 3));
            found
        });
        Sha256 { state, rounds, block: Vec::with_capacity(64), length: 0 }
    }

    pub fn update(&mut self, mut bytes: &[u8]) {
        self.length += bytes.len() as u64;
        while !bytes.is_empty() {
            let (part, rest) = bytes.split_at(bytes.len().min(64 - self.block.len()));
            self.block.extend_from_slice(part);
            bytes = rest;
            if self.block.len() == 64 {
                self.compress();
                self.block.clear();
            }
        }
    }

    pub fn end(&mut self) -> [u8; 32] {
        let bits = self.length * 8;
        let mut padding = vec![0; 1 + (119 - self.block.len()) % 64];
        padding[0] = 0x80;
        self.update(&padding);
        self.update(&bits.to_be_bytes());
        let mut found = [0; 32];
        for (word, bytes) in self.state.iter().zip(found.chunks_exact_mut(4)) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        found
    }

    fn compress(&mut self) {
        let mut w = [0u32; 64];
        for (word, bytes) in w.iter_mut().zip(self.block.chunks_exact(4)) {
            *word = u32::from_be_bytes(bytes.try_into().expect("four bytes"));
        }
        for i in 16..64 {
            let s0 = w[i - 15].rotate_right(7) ^ w[i - 15].rotate_right(18) ^ w[i - 15] >> 3;
            let s1 = w[i - 2].rotate_right(17) ^ w[i - 2].rotate_right(19) ^ w[i - 2] >> 10;
            w[i] = w[i - 16].wrapping_add(s0).wrapping_add(w[i - 7]).wrapping_add(s1);
        }
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = self.state;
        for i in 0..64 {
            let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
            let one = h.wrapping_add(s1).wrapping_add(e & f ^ !e & g).wrapping_add(self.rounds[i]).wrapping_add(w[i]);
            let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
            let two = s0.wrapping_add(a & b ^ a & c ^ b & c);
            (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(one), c, b, a, one.wrapping_add(two));
        }
        for (word, more) in self.state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *word = word.wrapping_add(more);
        }
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Sha256::new()
    }
}

pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut sha = Sha256::new();
    sha.update(bytes);
    sha.end()
}

// ---- Words (section 2)

/// The words of a parameter: that of any element.
pub struct Stream {
    key: [u32; 2],
    counter: [u32; 2],
}

impl Stream {
    pub fn new(seed: u64, path: &str) -> Stream {
        let message = [b"initserve/1\0", &seed.to_le_bytes()[..], path.as_bytes()].concat();
        let digest = sha256(&message);
        let d = |i: usize| u32::from_le_bytes(digest[4 * i..4 * i + 4].try_into().expect("four bytes"));
        Stream { key: [d(0), d(1)], counter: [d(2), d(3)] }
    }

    fn block(&self, number: u64) -> [u32; 4] {
        let [mut k0, mut k1] = self.key;
        let mut c = [number as u32, (number >> 32) as u32, self.counter[0], self.counter[1]];
        for _ in 0..10 {
            let (p, r) = (0xD2511F53 * u64::from(c[0]), 0xCD9E8D57 * u64::from(c[2]));
            c = [(r >> 32) as u32 ^ c[1] ^ k0, r as u32, (p >> 32) as u32 ^ c[3] ^ k1, p as u32];
            k0 = k0.wrapping_add(0x9E3779B9);
            k1 = k1.wrapping_add(0xBB67AE85);
        }
        c
    }

    /// The words of elements from `first` on, without end.
    pub fn words(&self, first: u64) -> impl Iterator<Item = u32> + '_ {
        (first / 4..).flat_map(move |number| self.block(number)).skip((first % 4) as usize)
    }
}

// ---- Values (sections 3 to 5 and 7)

#[derive(Clone, Copy)]
struct Line {
    whole: i64,
    fraction: f32,
    step: f64,
    anchor: f64,
}

const WORDS: f64 = 4294967296.0;

impl Line {
    fn between(start: f64, end: f64, width: f64) -> Line {
        let (zero, anchor) = if start >= 0.0 {
            (0.0, start)
        } else if end <= 0.0 {
            (WORDS, end)
        } else {
            (-start / width * WORDS, 0.0)
        };
        Line { whole: zero.floor() as i64, fraction: (0.5 - (zero - zero.floor())) as f32, step: width / WORDS, anchor }
    }

    fn offset(&self, word: u32) -> f32 {
        let high = i64::from(word >> 16) - (self.whole >> 16);
        let low = i64::from(word & 0xFFFF) - (self.whole & 0xFFFF);
        high as f32 * 65536.0 + (low as f32 + self.fraction)
    }
}

fn within<T: PartialOrd>(value: T, least: T, greatest: T) -> T {
    let raised = if value > least { value } else { least };
    if raised < greatest { raised } else { greatest }
}

fn neighbour(x: f32, up: bool) -> f32 {
    match (x == 0.0, up) {
        (true, true) => f32::from_bits(1),
        (true, false) => -f32::from_bits(1),
        _ if (x > 0.0) == up => f32::from_bits(x.to_bits() + 1),
        _ => f32::from_bits(x.to_bits() - 1),
    }
}

fn least_not_below(bound: f64) -> f32 {
    let found = bound as f32;
    if f64::from(found) < bound { neighbour(found, true) } else { found }
}

fn greatest_not_above(bound: f64) -> f32 {
    let found = bound as f32;
    if f64::from(found) > bound { neighbour(found, false) } else { found }
}

/// A number of 25 bits times a power of 2: hexadecimal floats, which Rust does not write.
fn hex(digits: i32, exponent: i32) -> f32 {
    (f64::from(digits) * 2f64.powi(exponent - 24)) as f32
}

fn horner(x: f32, c: &[f32]) -> f32 {
    c.iter().rev().copied().reduce(|found, next| next + x * found).expect("there are coefficients")
}

struct Quantile {
    a: [f32; 4],
    b: [f32; 4],
    c: [f32; 4],
    d: [f32; 4],
    log: [f32; 7],
}

impl Quantile {
    fn new() -> Quantile {
        Quantile {
            a: [hex(0x1b18d92, 1), hex(-0x19379b6, 5), hex(0x13e95ac, 7), hex(-0x1d8e192, 5)],
            b: [1.0, hex(-0x11e52ce, 4), hex(0x13b0872, 6), hex(-0x10cc0d0, 6)],
            c: [hex(0x188bc1e, 0), hex(0x12df542, 1), hex(0x1db3834, -1), hex(0x1a58c56, -4)],
            d: [1.0, hex(0x13d1080, -1), hex(0x165299e, -4), hex(0x15eac72, -18)],
            log: [hex(0x17154c4, 0), hex(-0x171582e, -1), hex(0x1ebff06, -2), hex(-0x16f93b0, -2), hex(0x13065ac, -2), hex(-0x1173e2c, -2), hex(0x15d7544, -3)],
        }
    }

    fn log2(&self, p: f32) -> f32 {
        let m = p.to_bits().wrapping_sub(0x3F3504F3) as i32;
        let t = f32::from_bits((m & 0x007FFFFF) as u32 + 0x3F3504F3) - 1.0;
        (m >> 23) as f32 + t * horner(t, &self.log)
    }

    fn at(&self, q: f32, p: f32) -> f32 {
        if q.abs() <= 0.425 {
            let x = q * q - 0.180625;
            return q * (horner(x, &self.a) / horner(x, &self.b));
        }
        let y = (-self.log2(p)).sqrt() - 2.0;
        let z = horner(y, &self.c) / horner(y, &self.d);
        if q < 0.0 { -z } else { z }
    }
}

enum Distribution {
    Constant(f64),
    Uniform { low: f64, high: f64 },
    Normal { mean: f64, deviation: f64, lower: f64, upper: f64, low: f64, high: f64 },
}

impl Distribution {
    fn normal(mean: f64, deviation: f64, lower: f64, upper: f64) -> Distribution {
        let (low, high) = (mean + lower * deviation, mean + upper * deviation);
        Distribution::bounded(mean, deviation, lower, upper, low, high)
    }

    fn bounded(mean: f64, deviation: f64, lower: f64, upper: f64, low: f64, high: f64) -> Distribution {
        if deviation == 0.0 {
            return Distribution::Constant(mean);
        }
        Distribution::Normal { mean, deviation, lower, upper, low, high }
    }

    /// The first values of a stream; each is a float32, but where they are made in float64.
    fn values(&self, stream: &Stream, count: usize, in64: bool) -> Vec<f64> {
        let words = stream.words(0).take(count);
        match *self {
            Distribution::Constant(value) => vec![if in64 { value } else { f64::from(value as f32) }; count],
            Distribution::Uniform { low, high } => {
                let line = Line::between(low, high, high - low);
                let (anchor, step, least, greatest) = (line.anchor as f32, line.step as f32, least_not_below(low), greatest_not_above(high));
                if in64 {
                    return words.map(|word| within(f64::from(line.offset(word)) * line.step + line.anchor, low, high)).collect();
                }
                words.map(|word| f64::from(within(anchor + line.offset(word) * step, least, greatest))).collect()
            }
            Distribution::Normal { mean, deviation, lower, upper, low, high } => {
                let (cut, quantile) = (cut_at(lower, upper), Quantile::new());
                let line = Line::between(cut.start, cut.end, cut.width);
                let (anchor, step, below, above) = (line.anchor as f32, line.step as f32, cut.below as f32, cut.above as f32);
                let (least, greatest) = (least_not_below(low), greatest_not_above(high));
                let standard = words.map(|word| {
                    let q = anchor + line.offset(word) * step;
                    let n = if q < 0.0 { word } else { !word };
                    quantile.at(q, (n as f32 + 0.5) * step + if q < 0.0 { below } else { above })
                });
                if in64 {
                    return standard.map(|z| within(f64::from(z) * deviation + mean, low, high)).collect();
                }
                standard.map(|z| f64::from(within(mean as f32 + z * deviation as f32, least, greatest))).collect()
            }
        }
    }
}

fn to_half(value: f32) -> u16 {
    let (sign, size) = (if value.is_sign_negative() { 0x8000 } else { 0 }, f64::from(value.abs()));
    if size >= 65520.0 {
        return sign | 0x7C00;
    }
    let exponent = ((size.to_bits() >> 52) as i32 - 1023).max(-14);
    let units = size * 2f64.powi(10 - exponent) + 2f64.powi(52) - 2f64.powi(52); // to nearest, ties to even
    sign | ((exponent + 14) * 1024 + units as i32) as u16
}

fn to_bytes(dtype: DType, values: &[f64]) -> Vec<u8> {
    let bytes = |value: &f64| -> Vec<u8> {
        let single = *value as f32;
        let bits = single.to_bits();
        match dtype {
            DType::Float64 => value.to_le_bytes().to_vec(),
            DType::Float32 => single.to_le_bytes().to_vec(),
            DType::Float16 => to_half(single).to_le_bytes().to_vec(),
            DType::BFloat16 => ((bits.wrapping_add(0x7FFF + (bits >> 16 & 1)) >> 16) as u16).to_le_bytes().to_vec(),
        }
    };
    values.iter().flat_map(bytes).collect()
}

// ---- Schemes in which no element needs another (sections 8 and 9)

type Arguments = Vec<(&'static str, Json)>;

fn preset(name: &str) -> Option<(&'static str, Arguments)> {
    let number = Json::Number;
    let scaled = |scale: f64, mode: &str, distribution: &str| {
        let texts = [("mode", Json::Text(mode.into())), ("distribution", Json::Text(distribution.into()))];
        Some(("variance_scaling", [vec![("scale", number(scale))], texts.to_vec()].concat()))
    };
    let stated = |family, arguments: &[(&'static str, f64)]| Some((family, arguments.iter().map(|(name, value)| (*name, number(*value))).collect()));
    match name {
        "zeros" | "constant" => stated("constant", &[("value", 0.0)]),
        "ones" => stated("constant", &[("value", 1.0)]),
        "random_normal" => stated("random_normal", &[("mean", 0.0), ("stddev", 0.05)]),
        "small_normal" => stated("random_normal", &[("mean", 0.0), ("stddev", 0.001)]),
        "random_uniform" => stated("random_uniform", &[("minval", -0.05), ("maxval", 0.05)]),
        "small_uniform" => stated("random_uniform", &[("minval", -0.001), ("maxval", 0.001)]),
        "truncated_normal" => {
            let (family, arguments) = stated("truncated_normal", &[("mean", 0.0), ("stddev", 0.05), ("lower", -2.0), ("upper", 2.0)])?;
            Some((family, [arguments, vec![("preserve_std", Json::Truth(false))]].concat()))
        }
        "bounded_normal" => stated("bounded_normal", &[("mean", 0.0), ("stddev", 1.0), ("minval", -2.0), ("maxval", 2.0)]),
        "variance_scaling" | "lecun_normal" => scaled(1.0, "fan_in", "truncated_normal"),
        "glorot_normal" => scaled(1.0, "fan_avg", "truncated_normal"),
        "glorot_uniform" => scaled(1.0, "fan_avg", "uniform"),
        "he_normal" => scaled(2.0, "fan_in", "truncated_normal"),
        "he_uniform" => scaled(2.0, "fan_in", "uniform"),
        "lecun_uniform" => scaled(1.0, "fan_in", "uniform"),
        _ => None,
    }
}

/// A scheme's arguments: those that are written, and the others as they are by default.
struct Scheme {
    family: &'static str,
    arguments: Arguments,
}

impl Scheme {
    fn of(written: &Json) -> Result<Scheme, Error> {
        let name = if let Json::Text(name) = written { name } else { written.text("name").unwrap_or("") };
        let (family, mut arguments) = match preset(name) {
            Some(found) => found,
            None => return undrawable(format!("the scheme {name:?} is left to a server")),
        };
        for (key, value) in written.members().iter().filter(|(key, _)| key != "name") {
            match arguments.iter_mut().find(|(name, _)| name == key) {
                Some(argument) => argument.1 = value.clone(),
                None => return undrawable(format!("the argument {key:?} of {name} is left to a server")),
            }
        }
        Ok(Scheme { family, arguments })
    }

    fn argument(&self, name: &str) -> &Json {
        self.arguments.iter().find(|(key, _)| *key == name).map_or(&Json::Null, |(_, value)| value)
    }

    fn number(&self, name: &str) -> Result<f64, Error> {
        match self.argument(name) {
            Json::Number(number) => Ok(*number),
            other => undrawable(format!("{name} is no number: {other}")),
        }
    }

    fn distribution(&self, fans: [f64; 2]) -> Result<Distribution, Error> {
        let infinite = [f64::NEG_INFINITY, f64::INFINITY];
        match self.family {
            "constant" => Ok(Distribution::Constant(self.number("value")?)),
            "random_uniform" => Ok(Distribution::Uniform { low: self.number("minval")?, high: self.number("maxval")? }),
            "random_normal" => Ok(Distribution::normal(self.number("mean")?, self.number("stddev")?, infinite[0], infinite[1])),
            "truncated_normal" => {
                let (lower, upper) = (self.number("lower")?, self.number("upper")?);
                let kept = *self.argument("preserve_std") == Json::Truth(true);
                let share = if kept { deviation_at(lower, upper) } else { 1.0 };
                Ok(Distribution::normal(self.number("mean")?, self.number("stddev")? / share, lower, upper))
            }
            "bounded_normal" => {
                let (mean, deviation) = (self.number("mean")?, self.number("stddev")?);
                let (low, high) = (self.number("minval")?, self.number("maxval")?);
                let (lower, upper) = ((low - mean) / deviation, (high - mean) / deviation);
                if -lower > 1e300 || upper > 1e300 || !(lower + upper).is_finite() {
                    return Ok(Distribution::normal(mean, deviation, infinite[0], infinite[1]));
                }
                Ok(Distribution::bounded(mean, deviation, lower, upper, low, high))
            }
            _ => self.spread(fans),
        }
    }

    fn spread(&self, [fan_in, fan_out]: [f64; 2]) -> Result<Distribution, Error> {
        let fan = match self.argument("mode") {
            Json::Text(mode) if mode == "fan_in" => fan_in,
            Json::Text(mode) if mode == "fan_out" => fan_out,
            Json::Text(mode) if mode == "fan_avg" => (fan_in + fan_out) / 2.0,
            Json::Text(mode) if mode == "fan_geo_avg" => (fan_in * fan_out).sqrt(),
            other => return undrawable(format!("the mode {other} is left to a server")),
        };
        let variance = self.number("scale")? / within(fan, 1.0, f64::INFINITY);
        let (limit, deviation) = ((3.0 * variance).sqrt(), variance.sqrt());
        match self.argument("distribution") {
            Json::Text(name) if name == "uniform" => Ok(Distribution::Uniform { low: -limit, high: limit }),
            Json::Text(name) if name == "untruncated_normal" => Ok(Distribution::normal(0.0, deviation, f64::NEG_INFINITY, f64::INFINITY)),
            Json::Text(name) if name == "truncated_normal" => Ok(Distribution::normal(0.0, deviation / 0.879_625_661_034_239_8, -2.0, 2.0)),
            Json::Text(name) if name == "uncorrected_normal" => Ok(Distribution::normal(0.0, deviation, -2.0, 2.0)),
            other => undrawable(format!("the distribution {other} is left to a server")),
        }
    }
}

fn by_activation(activation: &str) -> Result<&'static str, Error> {
    match activation {
        "relu" | "relu6" | "leaky_relu" | "prelu" | "squared_relu" | "elu" | "celu" | "gelu" | "quick_gelu" | "silu" | "mish" | "hard_swish" => Ok("he_normal"),
        "linear" | "softmax" | "tanh" | "sigmoid" | "softsign" | "hard_tanh" | "hard_sigmoid" | "tanhshrink" | "sin" | "exp" | "softplus" | "log_sigmoid" => Ok("glorot_uniform"),
        "selu" => Ok("lecun_normal"),
        _ => undrawable(format!("the activation {activation:?} is left to a server")),
    }
}

// ---- Layers and layouts (sections 10 and 11)

struct Parameter {
    name: &'static str,
    torch: &'static str,
    member: &'static str,
    /// The scheme of its role; none: by activation.
    otherwise: Option<&'static str>,
    shape: Vec<usize>,
    fans: [f64; 2],
    /// The order of its axes in PyTorch.
    axes: Vec<usize>,
}

impl Parameter {
    fn new(name: &'static str, torch: &'static str, member: &'static str, otherwise: Option<&'static str>, shape: &[usize], fans: [f64; 2]) -> Parameter {
        Parameter { name, torch, member, otherwise, shape: shape.to_vec(), fans, axes: (0..shape.len()).collect() }
    }

    fn scheme(&self, layer: &Json) -> Result<Scheme, Error> {
        match layer.get(self.member) {
            Some(Json::Text(name)) if name == "auto" => {}
            Some(written) if written.text("name") != Some("auto") => return Scheme::of(written),
            _ => {}
        }
        if let Some(otherwise) = self.otherwise {
            return Scheme::of(&Json::parse(otherwise)?);
        }
        let mut scheme = Scheme::of(&Json::Text(by_activation(layer.text("activation").unwrap_or("linear"))?.into()))?;
        if layer.get("gain").is_some() {
            let gain = number_of(layer, "gain", 1.0)?;
            scheme.arguments.iter_mut().filter(|(name, _)| *name == "scale").for_each(|(_, value)| *value = Json::Number(gain * gain));
        }
        Ok(scheme)
    }
}

fn number_of(layer: &Json, key: &str, otherwise: f64) -> Result<f64, Error> {
    match layer.get(key) {
        None => Ok(otherwise),
        Some(Json::Number(number)) => Ok(*number),
        Some(other) => undrawable(format!("{key} is no number: {other}")),
    }
}

fn elements(shape: &[usize]) -> f64 {
    shape.iter().product::<usize>() as f64
}

fn bare_fans(shape: &[usize]) -> [f64; 2] {
    match shape {
        [] | [_] => [elements(shape); 2],
        [window @ .., inputs, outputs] => [elements(window) * *inputs as f64, elements(window) * *outputs as f64],
    }
}

fn only(json: &Json, known: &str, what: &str) -> Result<(), Error> {
    match json.members().iter().find(|(key, _)| !known.split(' ').any(|name| name == key)) {
        Some((key, _)) => undrawable(format!("the member {key:?} of a {what} is left to a server")),
        None => Ok(()),
    }
}

/// What stands between layers with weights: it has none, and changes none.
const WEIGHTLESS: &str = "add multiply concatenate activation flatten reshape transpose max_pool average_pool \
    global_average_pool upsample pad split scale tied dot_product_attention relative_positions rotary";

fn has_weights(layer: &Json) -> bool {
    !WEIGHTLESS.split(' ').any(|name| layer.text("type") == Some(name))
}

fn parameters_of(layer: &Json) -> Result<Vec<Parameter>, Error> {
    const COMMON: &str = "name type shape activation scheme seed gain inputs";
    let kind = layer.text("type").unwrap_or("");
    let (sizes, members) = match kind {
        "dense" => (2..=2, "bias"),
        "conv1d" => (3..=3, "bias groups strides padding dilation"),
        "conv2d" => (4..=4, "bias groups strides padding dilation"),
        "conv3d" => (5..=5, "bias groups strides padding dilation"),
        "embedding" => (2..=2, "type"),
        "group_norm" => (1..=32, "bias epsilon num_groups"),
        "batch_norm" | "layer_norm" | "instance_norm" => (1..=32, "bias epsilon"),
        "rms_norm" => (1..=32, "epsilon"),
        "tensor" => (0..=32, "fan_in fan_out"),
        _ => return undrawable(format!("the layer type {kind:?} is left to a server")),
    };
    only(layer, &format!("{COMMON} {members}"), kind)?;
    let shape = match layer.get("shape").and_then(Json::sizes) {
        Some(shape) if sizes.contains(&shape.len()) && !shape.contains(&0) => shape,
        _ => return undrawable(format!("this is not the shape of a {kind}")),
    };
    let bias = |width: usize, fans| Parameter::new("bias", "bias", "bias", Some("\"zeros\""), &[width], fans);
    Ok(match kind {
        "dense" => {
            let mut kernel = Parameter::new("kernel", "weight", "scheme", None, &shape, bare_fans(&shape));
            kernel.axes = vec![1, 0];
            vec![bias(shape[1], kernel.fans), kernel]
        }
        "conv1d" | "conv2d" | "conv3d" => {
            let groups = number_of(layer, "groups", 1.0)?;
            let last = shape.len() - 1;
            if !(groups >= 1.0) || shape[last - 1] as f64 % groups != 0.0 || shape[last] as f64 % groups != 0.0 {
                return undrawable("the groups do not divide the channels");
            }
            let mut own = shape.clone();
            own[last - 1] /= groups as usize;
            let fans = [elements(&own[..last]), elements(&shape[..last - 1]) * shape[last] as f64 / groups];
            let mut kernel = Parameter::new("kernel", "weight", "scheme", None, &own, fans);
            kernel.axes = [last, last - 1].into_iter().chain(0..last - 1).collect();
            vec![bias(shape[last], fans), kernel]
        }
        "embedding" => {
            let otherwise = Some("{\"name\":\"random_normal\",\"stddev\":0.02}");
            vec![Parameter::new("embeddings", "weight", "scheme", otherwise, &shape, bare_fans(&shape))]
        }
        "tensor" => {
            let [fan_in, fan_out] = bare_fans(&shape);
            let fans = [number_of(layer, "fan_in", fan_in)?, number_of(layer, "fan_out", fan_out)?];
            vec![Parameter::new("value", "value", "scheme", None, &shape, fans)]
        }
        _ => normalisation(kind, &shape),
    })
}

fn normalisation(kind: &str, shape: &[usize]) -> Vec<Parameter> {
    let fans = [elements(shape); 2];
    let row = |name, torch, member, otherwise| Parameter::new(name, torch, member, Some(otherwise), shape, fans);
    let mut found = vec![row(if kind == "rms_norm" { "scale" } else { "gamma" }, "weight", "scheme", "\"ones\"")];
    if kind != "rms_norm" {
        found.push(row("beta", "bias", "bias", "\"zeros\""));
    }
    if kind == "batch_norm" {
        found.push(row("moving_mean", "running_mean", "", "\"zeros\""));
        found.push(row("moving_variance", "running_var", "", "\"ones\""));
    }
    found
}

/// The values of an array with its axes in another order.
fn moved(values: &[f64], shape: &[usize], axes: &[usize]) -> Vec<f64> {
    let steps: Vec<usize> = (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect();
    (0..values.len()).map(|to| {
        let (mut rest, mut from) = (to, 0);
        for axis in axes.iter().rev() {
            from += rest % shape[*axis] * steps[*axis];
            rest /= shape[*axis];
        }
        values[from]
    }).collect()
}

fn seed_of(layer: &Json, spec: &Json) -> Result<u64, Error> {
    match layer.get("seed").or_else(|| spec.get("seed")) {
        Some(Json::Number(seed)) if *seed >= 0.0 && *seed <= 9007199254740991.0 && seed.fract() == 0.0 => Ok(*seed as u64),
        Some(Json::Text(digits)) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            digits.parse().or_else(|_| undrawable(format!("a seed is 0 to 2^64 - 1, not {digits}")))
        }
        _ => undrawable("a seed is 0 to 2^64 - 1, above 2^53 a text"),
    }
}

/// Draw a spec, JSON, here: layers dense, conv1d to conv3d, embedding, tensor and the normalisations, schemes in which
/// no element needs another, layouts keras and pytorch, every dtype. What else it asks for is `Undrawable`.
pub fn draw(spec: &str) -> Result<Arrays, Error> {
    let spec = Json::parse(spec)?;
    only(&spec, "algorithm seed layout dtype defaults fans input_shape layers", "spec")?;
    for (member, only) in [("algorithm", "initserve/1"), ("defaults", "recommended"), ("fans", "true")] {
        if spec.get(member).map_or(false, |value| *value != Json::Text(only.into())) {
            return undrawable(format!("the {member} of this spec are left to a server"));
        }
    }
    let torch = match spec.text("layout").unwrap_or("keras") {
        "keras" => false,
        "pytorch" => true,
        other => return undrawable(format!("the layout {other:?} is left to a server")),
    };
    let name = spec.text("dtype").unwrap_or("float32");
    let dtype = match DTYPES.iter().find(|row| row.1 == name) {
        Some(row) => row.0,
        None => return undrawable(format!("the dtype {name:?} is left to a server")),
    };
    let layers = match spec.get("layers") {
        Some(Json::List(layers)) => layers,
        _ => return undrawable("a spec has layers"),
    };
    let mut arrays = Arrays::new();
    for (index, layer) in layers.iter().filter(|layer| has_weights(layer)).enumerate() {
        let parameters = parameters_of(layer)?;
        let name = layer.text("name").map_or_else(|| format!("{}_{index}", layer.text("type").unwrap_or("")), str::to_string);
        let without_bias = layer.members().iter().any(|(key, value)| key == "bias" && *value == Json::Null);
        for each in parameters.iter().filter(|each| !(without_bias && each.member == "bias")) {
            let key = if torch { format!("{name}.{}", each.torch) } else { format!("{name}/{}", each.name) };
            let stream = Stream::new(seed_of(layer, &spec)?, &format!("{name}/{}", each.name));
            let distribution = each.scheme(layer)?.distribution(each.fans)?;
            let mut values = distribution.values(&stream, each.shape.iter().product(), dtype == DType::Float64);
            let mut shape = each.shape.clone();
            if torch {
                values = moved(&values, &shape, &each.axes);
                shape = each.axes.iter().map(|axis| each.shape[*axis]).collect();
            }
            let array = Array::new(dtype, shape, to_bytes(dtype, &values))?;
            if !array.values().iter().all(|value| value.is_finite()) {
                return undrawable(format!("{} cannot hold the values of {key}", dtype.name()));
            }
            arrays.insert(key, array);
        }
    }
    Ok(arrays)
}
