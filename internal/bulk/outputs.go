package bulk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// output is a file that grows with a run: that of rejected rows, or the report. What belongs to a
// batch is written before the batch is committed, behind that of the previous batch. The run stores
// that position: after a crash the file is truncated to it.
type output struct {
	path string
	file *os.File
}

// openOutput truncates the file to the size that the run has stored. A run without a size requires
// that there is no file, unless overwrite is set. Errors call the file what, and name its option.
func openOutput(what, option, path string, size int64, overwrite bool) (*output, error) {
	o := &output{path: path}
	if path == "" {
		return o, nil
	}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && size == 0:
		return o, nil
	case err != nil:
		return nil, fmt.Errorf("%s: %w", what, err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s %s is a link or no plain file: name another with %s", what, path, option)
	case size == 0 && info.Size() > 0 && !overwrite:
		return nil, fmt.Errorf("%s %s is there already: move it, or name another with %s", what, path, option)
	case info.Size() < size:
		return nil, fmt.Errorf("%s %s lacks what an earlier run wrote to it", what, path)
	}
	if err := o.open(0); err != nil {
		return nil, err
	}
	// Another program may have left the file readable for other users.
	return o, errors.Join(o.file.Chmod(ownerOnly), o.file.Truncate(size))
}

// ownerOnly is the mode of the file: that of rejected rows contains password digests.
const ownerOnly = 0o600

// create makes the file, and fails where it exists.
func (o *output) create() error { return o.open(os.O_CREATE | os.O_EXCL) }

// open follows no link: a user who may write to the folder could redirect it.
func (o *output) open(flags int) (err error) {
	o.file, err = os.OpenFile(o.path, os.O_RDWR|syscall.O_NOFOLLOW|flags, ownerOnly)
	return err
}

// writeAt stores content at a position and returns the position behind it.
func (o *output) writeAt(at int64, content []byte) (end int64, err error) {
	if len(content) == 0 || o.path == "" {
		return at, nil
	}
	if o.file == nil {
		if err := o.create(); err != nil {
			return at, err
		}
	}
	if _, err := o.file.WriteAt(content, at); err != nil {
		return at, err
	}
	end = at + int64(len(content))
	return end, errors.Join(o.file.Truncate(end), o.file.Sync())
}

func (o *output) close() error {
	if o.file == nil {
		return nil
	}
	return o.file.Close()
}
