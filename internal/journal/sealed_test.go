package journal

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"
)

func goldenRow() Sealed {
	uid, payload := "ID873B5CE1D2", "eyJkYXRhIjp7fX0"
	return Sealed{
		Seq: 17, SealedAt: time.Date(2026, 11, 30, 7, 0, 0, 120_000_000, time.UTC), Entry: uuid.MustParse("019ad0b4-0000-7000-8000-000000000001"),
		UID: &uid, WrittenAt: time.Date(2026, 11, 30, 8, 0, 0, 0, time.FixedZone("", 3600)), Operation: "updateLabel", Form: Envelope,
		RequestID: "a<b", Signers: []string{"applogic"}, Parameters: []byte{1, 2}, Salt: []byte{9},
		Proof:   json.RawMessage(`{"signatures": [{"kid": "applogic", "alg": "RS256"}]}`),
		Payload: &payload, Changed: json.RawMessage(`{"labels": [{"new": "ü", "id": 1}], "account": {"otp": false}}`),
	}
}

// Guards that the leaf of a row never changes its form: the hashes of rows are kept for ever.
func TestLeafIsStable(t *testing.T) {
	t.Parallel()
	row := goldenRow()
	leaf, err := row.Leaf()
	want := `{"changed":{"account":{"otp":false},"labels":[{"id":1,"new":"ü"}]},"entry":"019ad0b4-0000-7000-8000-000000000001","form":"envelope",` +
		`"operation":"updateLabel","parameters":"0102","payload":"eyJkYXRhIjp7fX0","proof":{"signatures":[{"alg":"RS256","kid":"applogic"}]},` +
		`"request_id":"a<b","sealed_at":"2026-11-30T07:00:00.120000Z","seq":17,"signers":["applogic"],"uid":"ID873B5CE1D2","written_at":"2026-11-30T07:00:00.000000Z"}`
	if err != nil || string(leaf) != want {
		t.Errorf("%v\n%s\n%s", err, leaf, want)
	}
	bare := Sealed{Seq: 1, Entry: row.Entry, SealedAt: row.SealedAt, WrittenAt: row.SealedAt, Signers: []string{}, Changed: json.RawMessage("{}")}
	hash, err := bare.Hash()
	if err != nil || hash.String() != "4L0Gsl7P3jnzN4zt/Uk82rTgdM1z6VYYUTv5fOybNCM=" {
		t.Errorf("the hash of a row with nothing optional is %s, %v", hash, err)
	}
}

// Guards that a leaf is the canonical JSON of its members, whatever text they have.
func TestLeafIsCanonicalJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "a\"\\/\b\f\n\r\t", "<&>", "\u2028 \u007f \x01 \x1f", "ü € 𝄞 \ufffd", "\xff"} {
		proof, err := json.Marshal(map[string]any{text: text, "b": 1e21, "a": []any{nil, true, math.Copysign(0, -1), 1.5}})
		if err != nil {
			t.Fatal(err)
		}
		row := goldenRow()
		row.UID, row.Payload, row.Operation, row.Form, row.RequestID, row.Signers = &text, &text, text, Form(text), text, []string{text, "", text}
		row.Proof, row.Changed, row.SealedAt = proof, append([]byte(" "), proof...), row.SealedAt.Add(-row.SealedAt.Sub(row.SealedAt.Truncate(time.Second)))
		leaf, err := row.Leaf()
		if err != nil {
			t.Fatal(err)
		}
		canonical := jsontext.Value(leaf).Clone()
		if err := canonical.Canonicalize(); err != nil || string(canonical) != string(leaf) {
			t.Errorf("%s\nis not\n%s, %v", leaf, canonical, err)
		}
		var members map[string]any
		if err := json.Unmarshal(leaf, &members); err != nil || len(members) != 13 || members["seq"] != 17.0 || members["sealed_at"] != "2026-11-30T07:00:00.000000Z" {
			t.Errorf("%s has %v, %v", leaf, members, err)
		}
		for _, name := range []string{"uid", "payload", "operation", "form", "request_id"} {
			if members[name] != strings.ToValidUTF8(text, "\ufffd") {
				t.Errorf("%s of %q is %q", name, text, members[name])
			}
		}
	}
	for _, broken := range []string{"", "{", "1 2"} {
		row := goldenRow()
		row.Changed = json.RawMessage(broken)
		if leaf, err := row.Leaf(); err == nil {
			t.Errorf("the leaf of %q is %s", broken, leaf)
		}
	}
}

// Guards that every column but the salt is under the hash.
func TestHashCoversEachColumnButTheSalt(t *testing.T) {
	t.Parallel()
	row := goldenRow()
	before, err := row.Hash()
	if err != nil {
		t.Fatal(err)
	}
	other := "other"
	for name, change := range map[string]func(*Sealed){
		"seq": func(s *Sealed) { s.Seq++ }, "sealed_at": func(s *Sealed) { s.SealedAt = s.SealedAt.Add(time.Microsecond) },
		"entry": func(s *Sealed) { s.Entry[15]++ }, "uid": func(s *Sealed) { s.UID = nil }, "written_at": func(s *Sealed) { s.WrittenAt = s.WrittenAt.Add(time.Microsecond) },
		"operation": func(s *Sealed) { s.Operation = other }, "form": func(s *Sealed) { s.Form = Bearer }, "request_id": func(s *Sealed) { s.RequestID = other },
		"signers": func(s *Sealed) { s.Signers = []string{"applogic", other} }, "parameters": func(s *Sealed) { s.Parameters = nil },
		"proof": func(s *Sealed) { s.Proof = json.RawMessage(`{"unknown": 1}`) }, "payload": func(s *Sealed) { s.Payload = &other },
		"changed": func(s *Sealed) { s.Changed = json.RawMessage(`{"unknown": 1}`) },
	} {
		changed := goldenRow()
		change(&changed)
		if after, err := changed.Hash(); err != nil || after == before {
			t.Errorf("%s is not under the hash, %v", name, err)
		}
	}
	row.Salt = nil
	if after, err := row.Hash(); err != nil || after != before {
		t.Errorf("an erased salt changes the hash, %v", err)
	}
}

// Guards that changes which this version does not know are sealed as they are, and that no text of a record
// stops the sealing.
func TestSealingKeepsWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	record := (&Record{Operation: "x", Form: Command, Signers: []string{"cli:\x00a"}}).Text()
	const changed = `{"level": {"old": 0, "new": 1}, "later": {"x": 1}}`
	rows, err := SealedOf([]Unsealed{{ID: 1, Record: record, Changed: json.RawMessage(changed)}})
	if err != nil || len(rows) != 1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if string(rows[0].Changed) != changed {
		t.Errorf("%s\n%s", rows[0].Changed, changed)
	}
	if rows[0].Signers[0] != "cli:\uFFFDa" {
		t.Errorf("the signer is %q", rows[0].Signers[0])
	}
}

// Guards that tiles and root are those of golang.org/x/mod/sumdb/tlog, also where a tree is opened again
// at any size.
func TestTreeIsThatOfTlog(t *testing.T) {
	t.Parallel()
	const leaves = 66_000 // three levels of tiles
	stored := map[[2]int64][]byte{}
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) (list []tlog.Hash, err error) {
		for _, index := range indexes {
			list = append(list, hashes[index])
		}
		return list, nil
	})
	read := func(wanted []Tile) (tiles []Tile, err error) {
		for _, tile := range wanted {
			tile.Hashes = stored[[2]int64{int64(tile.Level), tile.Number}]
			tiles = append(tiles, tile)
		}
		return tiles, nil
	}
	for size, step := int64(0), int64(1); size < leaves; step = step*3 + 1 {
		edge, err := read(Edge(size))
		if err != nil {
			t.Fatal(err)
		}
		tree, err := OpenTree(size, edge)
		if err != nil {
			t.Fatal(err)
		}
		for range min(step, leaves-size) {
			data := []byte{byte(size), byte(size >> 8), byte(size >> 16)}
			more, err := tlog.StoredHashes(size, data, reader)
			if err != nil {
				t.Fatal(err)
			}
			hashes = append(hashes, more...)
			tree.Append(tlog.RecordHash(data))
			size++
		}
		for _, tile := range tree.Changed() {
			stored[[2]int64{int64(tile.Level), tile.Number}] = tile.Hashes
		}
		want, err := tlog.TreeHash(size, reader)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tree.Root()
		again, err2 := tlog.TreeHash(size, Reader(read))
		if err != nil || err2 != nil || got != want || again != want {
			t.Fatalf("the root of %d leaves is %s and by the tiles %s instead of %s, %v, %v", size, got, again, want, err, err2)
		}
	}
	if len(stored[[2]int64{2, 0}]) != tlog.HashSize {
		t.Error("the third level of tiles is missing")
	}
	if _, err := OpenTree(3, []Tile{{Hashes: make([]byte, 2*tlog.HashSize)}}); err == nil {
		t.Error("a tree was opened with a tile that is too short")
	}
}
