package bulk

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// Encoding is the character encoding of an input.
type Encoding string

// The encodings. Latin1 is Windows-1252, which has printable characters in place of the control
// characters of ISO 8859-1; programs that declare ISO 8859-1 usually mean Windows-1252.
const (
	Detected Encoding = "" // UTF-8, or UTF-16 with a byte order mark
	UTF8     Encoding = "utf-8"
	UTF16    Encoding = "utf-16" // with a byte order mark, or little-endian
	UTF16BE  Encoding = "utf-16be"
	Latin1   Encoding = "latin-1"
)

// detectedBytes is the length of the start of an input that detection reads.
const detectedBytes = 64 << 10

// Decode returns the input in UTF-8. An input that needs no conversion is returned unchanged,
// seekable if it was, with converted false. Without a declared encoding, an input that is neither
// UTF-8 nor UTF-16 with a byte order mark is an error that names the likely encoding, because a
// wrong guess would store wrong text.
func Decode(input io.Reader, declared Encoding) (decoded io.Reader, converted bool, err error) {
	start, input, err := peek(input)
	if err != nil {
		return nil, false, err
	}
	if declared == Detected {
		if declared, err = detect(start); err != nil {
			return nil, false, err
		}
	}
	var from encoding.Encoding
	switch declared {
	case UTF8:
		return input, false, nil
	case UTF16:
		from = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case UTF16BE:
		from = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	case Latin1:
		from = charmap.Windows1252
	default:
		return nil, false, fmt.Errorf("there is no encoding %q", declared)
	}
	return from.NewDecoder().Reader(input), true, nil
}

// peek reads the start of an input, and returns a reader of the whole input.
func peek(input io.Reader) (start []byte, again io.Reader, err error) {
	file, seekable := input.(io.ReadSeeker)
	if !seekable {
		buffered := bufio.NewReaderSize(input, detectedBytes)
		start, err = buffered.Peek(detectedBytes)
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return start, buffered, err
	}
	at, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, nil, err
	}
	start, err = io.ReadAll(io.LimitReader(file, detectedBytes))
	if err == nil {
		_, err = file.Seek(at, io.SeekStart)
	}
	return start, file, err
}

func detect(start []byte) (Encoding, error) {
	switch {
	case bytes.HasPrefix(start, []byte{0xff, 0xfe}), bytes.HasPrefix(start, []byte{0xfe, 0xff}):
		return UTF16, nil
	case bytes.IndexByte(start, 0) >= 0:
		return "", errors.New("the input is not UTF-8: it looks like UTF-16 without a byte order mark, which --encoding utf-16 or utf-16be reads")
	case !isUTF8Start(start):
		return "", errors.New("the input is not UTF-8: it looks like Latin-1 (ISO 8859-1, Windows-1252), which --encoding latin-1 reads. Other encodings have to be converted first")
	default:
		return UTF8, nil
	}
}

// isUTF8Start reports whether bytes are UTF-8, apart from a character that the end cuts off.
func isUTF8Start(start []byte) bool {
	for cut := 0; cut < utf8.UTFMax && cut <= len(start); cut++ {
		if utf8.Valid(start[:len(start)-cut]) {
			return cut == 0 || len(start) == detectedBytes
		}
	}
	return false
}
