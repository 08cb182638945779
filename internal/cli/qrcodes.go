package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"rsc.io/qr"
)

// quietZone is the light margin of a QR code, in modules (ISO/IEC 18004 §6.3.8).
const quietZone = 4

// printQR prints a QR code with two modules per character. On a terminal it sets black and
// white, whatever the terminal's colours are.
func printQR(w io.Writer, text string) error {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return fmt.Errorf("the QR code could not be made: %w", err)
	}
	before, after := "", ""
	if isTerminal(w) {
		before, after = "\x1b[30;107m", "\x1b[0m"
	}
	for y := -quietZone; y < code.Size+quietZone; y += 2 {
		var line strings.Builder
		for x := -quietZone; x < code.Size+quietZone; x++ {
			line.WriteString(halves[code.Black(x, y)][code.Black(x, y+1)])
		}
		if _, err := fmt.Fprintln(w, before+line.String()+after); err != nil {
			return err
		}
	}
	return nil
}

// halves maps whether the upper and the lower module are dark to a character.
var halves = map[bool]map[bool]string{
	false: {false: " ", true: "▄"},
	true:  {false: "▀", true: "█"},
}

// writeQR writes a PNG file that only its owner can read, because it contains the secret. The
// file must not exist.
func writeQR(path, text string) error {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return fmt.Errorf("the QR code could not be made: %w", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := file.Write(code.PNG()); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}
