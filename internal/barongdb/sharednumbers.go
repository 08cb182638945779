package barongdb

import (
	"context"
	"hash/maphash"
	"slices"
	"time"

	sq "github.com/Masterminds/squirrel"
)

// sharedNumbers tells who keeps a number that several phones have validated, by its digits.
type sharedNumbers map[string]holder

// holder is a user who has validated a number, and when.
type holder struct {
	user, phone int64
	uid         string
	at          time.Time
}

// findSharedNumbers reads the validated numbers twice: first a hash of each, of eight bytes, then the rows
// of those that occur more than once.
func findSharedNumbers(ctx context.Context, d *DB, s *snapshot) (sharedNumbers, error) {
	repeated, err := repeatedNumbers(ctx, d, s)
	if err != nil || len(repeated) == 0 {
		return nil, err
	}
	number, encrypted := d.schema.column("phones", "number")
	rows := compile(d.dialect, []string{number, indexOfNumber(d), "phones.id", "users.id", "users.uid", "phones.validated_at"}, func(b sq.SelectBuilder) sq.SelectBuilder {
		return b.From("phones").Join("users ON users.id = phones.user_id").Where("phones.validated_at IS NOT NULL")
	})
	shared := sharedNumbers{}
	var batch []candidate
	flush := func() error {
		found := batch
		batch = batch[:0]
		return shared.add(ctx, d, encrypted, found)
	}
	err = s.read(ctx, rows, func(c cells) error {
		at, ok := c.moment(5)
		if !ok || !repeated[hashNumber(c[1], encrypted)] {
			return nil
		}
		phone, err := c.integer(2)
		if err != nil {
			return err
		}
		user, err := c.integer(3)
		if err != nil {
			return err
		}
		batch = append(batch, candidate{c.text(0), holder{user, phone, c.text(4), at}})
		if len(batch) < maxBatch {
			return nil
		}
		return flush()
	})
	if err != nil {
		return nil, err
	}
	return shared, flush()
}

// candidate is a number, or its ciphertext, and who has validated it.
type candidate struct {
	number string
	holder holder
}

// add keeps of each number the one who validated it last.
func (n sharedNumbers) add(ctx context.Context, d *DB, encrypted bool, batch []candidate) error {
	if encrypted && len(batch) > 0 {
		ciphertexts := make([]string, len(batch))
		for i, c := range batch {
			ciphertexts[i] = c.number
		}
		numbers, err := d.decrypter.decrypt(ctx, numberKey, ciphertexts)
		if err != nil {
			return err
		}
		for i := range batch {
			if batch[i].number = ""; numbers[i] != nil {
				batch[i].number = *numbers[i]
			}
		}
	}
	for _, c := range batch {
		key := digitsOf(c.number)
		if key == "" {
			continue
		}
		known, ok := n[key]
		if !ok || c.holder.at.After(known.at) || (c.holder.at.Equal(known.at) && c.holder.phone > known.phone) {
			n[key] = c.holder
		}
	}
	return nil
}

// indexOfNumber is what numbers are compared by in the database: themselves, or a keyed checksum of those
// that are encrypted.
func indexOfNumber(d *DB) string {
	if d.schema.has("phones", "number_index") {
		return "phones.number_index"
	}
	number, _ := d.schema.column("phones", "number")
	return number
}

// repeatedNumbers returns the hashes of numbers that several phones have validated.
func repeatedNumbers(ctx context.Context, d *DB, s *snapshot) (map[uint64]bool, error) {
	_, encrypted := d.schema.column("phones", "number")
	all := compile(d.dialect, []string{indexOfNumber(d)}, func(b sq.SelectBuilder) sq.SelectBuilder {
		return b.From("phones").Where("phones.validated_at IS NOT NULL")
	})
	var hashes []uint64
	err := s.read(ctx, all, func(c cells) error {
		hashes = append(hashes, hashNumber(c[0], encrypted))
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(hashes)
	repeated := map[uint64]bool{}
	for i := 1; i < len(hashes); i++ {
		if hashes[i] == hashes[i-1] {
			repeated[hashes[i]] = true
		}
	}
	return repeated, nil
}

var hashSeed = maphash.MakeSeed()

// hashNumber returns a hash of the digits of a number, or of its checksum.
func hashNumber(text []byte, checksum bool) uint64 {
	if checksum {
		return maphash.Bytes(hashSeed, text)
	}
	return maphash.String(hashSeed, digitsOf(string(text)))
}
