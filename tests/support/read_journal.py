"""python3 read_journal.py data/journal.jsonl: what docs/FORMAT.md says, and no more.

Prints the records, one a line, and then the verdict: clean, unclean, torn, or
the code of the error that refuses the journal. Takes several journals, and also
snapshots, positions of consumers and files of an inbox: prints what each holds,
and then whether it is good."""
import json, os, re, sys
from itertools import accumulate
from zlib import crc32

PREFIX = re.compile(rb'\{"crc":"[0-9a-f]{8}",')
NUMBERS = ("mini", "base", "seq", "durable", "applied", "at", "close")

class Refused(Exception): pass
def refuse_if(condition, code="CORRUPT"):
    if condition: raise Refused(code)

def segments(path):
    """The bases and paths of the segments, oldest first; the active one has no base."""
    stem, extension = os.path.splitext(path)
    sealed = re.compile(re.escape(stem) + r"\.(\d{20})" + re.escape(extension))
    names = (os.path.join(os.path.dirname(path), name) for name in os.listdir(os.path.dirname(path)))
    return [*sorted((int(m[1]), m[0]) for m in map(sealed.fullmatch, names) if m), (None, path)]

def fields_of(line, errors="replace"):
    """The fields of a line that is well-formed, whatever its checksum says."""
    try:
        fields = json.loads(line.decode("utf-8", errors)) if PREFIX.match(line) else {}
    except (ValueError, RecursionError):
        return {}
    if len(line) > 2_000 and max(depths(line)) > 1_001 + ("batch" in fields): return {}
    numbers = [fields[key] for key in NUMBERS if key in fields]
    return fields if all(type(n) is int and 0 <= n < 2**53 for n in numbers) else {}

def is_good(line, chain):
    return PREFIX.match(line) and int(line[8:16], 16) == crc32(line[18:], chain)

def depths(line):
    """How deep it nests, behind each byte that stands in no string."""
    bare = re.sub(rb'"(?:[^"\\]|\\.)*(?:"|\\?\Z)', b"", line)
    return accumulate((byte in b"{[") - (byte in b"}]") for byte in bare)

def is_beginning(line):
    """Is it the prefix so far as it goes, and an object that is not yet closed?"""
    return all(depths(line)) and PREFIX.match(line[:18] + b'{"crc":"00000000",'[len(line):])

def named_log(path):
    """The log that the note of the lock names."""
    try:
        return json.loads(open(path + ".lock", "rb").read()).get("log")
    except (OSError, ValueError, AttributeError):
        return None

def judge_start(data, had_header):
    """A file that does not begin with a good header: was it never begun?"""
    line, newline, _ = data.partition(b"\n")
    refuse_if(fields_of(line).get("mini", 1) != 1, "UNSUPPORTED_FORMAT")
    bare = data.rstrip(b"\0")
    if not newline and len(data) <= 160 and (not bare or is_beginning(bare) or is_good(bare, 0)):
        return refuse_if(had_header)
    refuse_if(data.startswith((b'{"crc":"', b'\xef\xbb\xbf{"crc":"', b"\0")))
    raise Refused("UNSUPPORTED_FORMAT")

def judge_tail(data, at, chain, want):
    """What follows the last good line: one that is kept, or None where it is torn."""
    tail, bare = data[at:], data[at:].rstrip(b"\0")
    first, newline, rest = tail.partition(b"\n")
    for fields in map(fields_of, rest.split(b"\n")[:-1]):
        seq = fields.get("seq", fields.get("close", 0))
        durable = fields.get("close", fields.get("durable", seq - 1))
        refuse_if(min(seq, durable) >= want or fields.get("seq") == want)
    to_the_end = tail != bare and b"\n" not in bare
    if (to_the_end or not newline) and is_good(bare, chain): return bare
    ends = [(at + run.start(), at + run.end()) for run in re.finditer(rb"\0+", first)]
    sectors = ends and all((start == at or start % 512 == 0) and
                           (end == len(data) or end % 512 == 0) for start, end in ends)
    refuse_if(not to_the_end and not sectors and (newline or not is_beginning(tail)))

def read(path):
    seam, chain, verdict = None, 0, "unclean"
    for base, name in segments(path):
        data = open(name, "rb").read() if base is not None or os.path.exists(name) else b""
        before, chain, at, verdict, is_marked, time = "%08x" % chain, 0, 0, "unclean", False, {}
        while at < len(data) or at == 0:
            end = data.find(b"\n", at)
            line = data[at:end]
            if end == -1 or not is_good(line, chain):
                had_header = base is not None or os.path.exists(name) and (seam or named_log(path) is not None)
                if at == 0: return judge_start(data, had_header) or "unclean"
                refuse_if(base is not None)
                line, end = judge_tail(data, at, chain, last + 1), -1
                if line is None: return "torn"
            fields = fields_of(line, "strict")
            rows = fields.get("batch", [fields["data"]] if "data" in fields else [])
            if at == 0:
                refuse_if(fields.get("mini") != 1, "UNSUPPORTED_FORMAT")
                found = (fields["base"], fields["journal"], fields["prev"])
                refuse_if(seam and found != (last, seam[1], before) or base not in (None, found[0]))
                seam, last = found, found[0]
            else:
                refuse_if(fields.get("seq", fields.get("close", -2) + 1) != last + 1)
            time = {"at": fields["at"]} if rows and "at" in fields else time
            for row in rows:
                last += 1
                print(json.dumps({"seq": last, "data": row, **time}))
            if end == -1: return "unclean"
            verdict = "clean" if is_marked and "close" in fields else "unclean"
            is_marked = "close" in fields
            chain, at = crc32(line + b"\n", chain), end + 1
    return verdict

def read_snapshot(path):
    data = open(path, "rb").read()
    said = re.fullmatch(rb',\n  "crc": "([0-9a-f]{8})"\n}\n', data[-24:])
    is_damaged = said and int(said[1], 16) != crc32(data[:-24])
    version = re.match(rb'{\n  "mini": (\d+),', data)
    refuse_if(is_damaged or version and int(version[1]) < 2 and not said)
    refuse_if(version and int(version[1]) > 1, "UNSUPPORTED_FORMAT")
    fields = json.loads(data)
    refuse_if(not version and set(fields) != {"seq", "state"})
    refuse_if(fields.get("seq") != int(re.search(r"\d{20}", path)[0]) or fields.keys().isdisjoint(("state", "parts")))
    names = ("seq", "journal", "version", "state", "parts")
    print(json.dumps({name: fields[name] for name in names if name in fields}))
    return "good"

def own_line(path):
    """The fields of a file of one line, which is its own checksum's."""
    line, newline, rest = open(path, "rb").read().partition(b"\n")
    refuse_if(not newline or rest or not is_good(line, 0))
    fields = fields_of(line, "strict")
    refuse_if(fields.get("mini", 0) > 1, "UNSUPPORTED_FORMAT")
    refuse_if(fields.get("mini") != 1)
    return fields

def header_of(name):
    with open(name, "rb") as file: return fields_of(file.readline()[:-1], "strict")

def chain_at(name, seq):
    """The running checksum after the line with a record; at the start of a segment, that of its header."""
    chain, last, lines = 0, None, open(name, "rb").read().split(b"\n")
    for line in lines[:-1]:
        fields, chain = fields_of(line, "strict"), crc32(line + b"\n", chain)
        if last is None:
            last = fields["base"]
            if last == seq: return int(fields["prev"], 16)
        elif "seq" in fields: last = fields["seq"] + len(fields.get("batch", [0])) - 1
        if last >= seq: return chain

def read_position(path):
    fields = own_line(path)
    print(json.dumps({"seq": fields["seq"]}))
    chain, seq = int(fields["chain"], 16), fields["seq"]
    names = [name for _, name in segments(re.sub(r"\.consumer\.[^/]*$", "", path)) if os.path.exists(name)]
    headers = list(map(header_of, names))
    refuse_if(headers[0]["journal"] != fields["journal"], "REWRITTEN")
    for name, header in zip(names, headers):
        if header["base"] == fields["base"]:
            refuse_if(chain_at(name, seq) != chain, "REWRITTEN")
            return "good"
    refuse_if(headers[0]["base"] > seq, "COMPACTED")
    for marks in range(9):
        if int(headers[0]["prev"], 16) == chain and headers[0]["base"] == seq: return "good"
        rest = b'"close":%d}' % seq
        chain = crc32(b'{"crc":"%08x",%s\n' % (crc32(rest, chain), rest), chain)
    raise Refused("REWRITTEN")

def read_posted(path):
    fields, known = own_line(path), {"payload", "delayMs", "priority", "group", "dedupeKey", "at", "headers"}
    refuse_if(set(fields) != {"crc", "mini", "messages"} or not fields["messages"])
    for message in fields["messages"]:
        refuse_if("payload" not in message or set(message) - known)
        print(json.dumps(message))
    return "good"

def reader_of(path):
    directory, name = os.path.split(path)
    if re.match(r"snapshot_\d{20}\.json", name): return read_snapshot
    if ".consumer." in name: return read_position
    return read_posted if os.path.basename(directory) == "inbox" else read

sys.setrecursionlimit(10_000)  # lines nest up to 1,002 levels
for path in map(os.path.abspath, sys.argv[1:]):
    try: print(reader_of(path)(path))
    except Refused as refused: print(refused)
