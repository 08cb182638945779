package cli

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rsc.io/qr"
)

const otpauth = "otpauth://totp/Barong:ada@example.com?algorithm=SHA1&digits=6&issuer=Barong&period=30&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

func TestQRCodeIsDrawnModuleByModule(t *testing.T) {
	t.Parallel()
	code, err := qr.Encode(otpauth, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	var drawn bytes.Buffer
	if err := printQR(&drawn, otpauth); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(drawn.String(), "\n"), "\n")
	for i, line := range lines {
		modules := []rune(line)
		if len(modules) != code.Size+2*quietZone {
			t.Fatalf("line %d has %d modules, of %d", i, len(modules), code.Size+2*quietZone)
		}
		for j, c := range modules {
			x, y := j-quietZone, 2*i-quietZone
			if upper, lower := strings.ContainsRune("▀█", c), strings.ContainsRune("▄█", c); upper != code.Black(x, y) || lower != code.Black(x, y+1) {
				t.Fatalf("at %d, %d: %q", x, y, c)
			}
		}
	}
}

func TestQRCodeFileIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "code.png")
	if err := writeQR(path, otpauth); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(content))
	if err != nil || picture.Bounds().Dx() < 200 || picture.Bounds() != image.Rect(0, 0, picture.Bounds().Dx(), picture.Bounds().Dx()) {
		t.Errorf("%v %v", picture, err)
	}
	if err := writeQR(path, otpauth); err == nil {
		t.Error("a file was written over")
	}
}
