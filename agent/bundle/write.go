package bundle

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"
)

// maxPart is how long one part may be; of a longer one the end is kept, which is what
// a log is read for.
const maxPart = 32 << 20

// A Part is one file of the archive.
type Part struct {
	Name string
	Read func(context.Context) ([]byte, error)
}

// Write writes an archive (tar, gzip) with all parts that can be had, below one
// directory. Clean takes what is secret out of each. What cannot be had is told in
// errors.txt, and returned.
func Write(ctx context.Context, to io.Writer, dir string, now time.Time, clean func(string) string, parts []Part) (missing []error, err error) {
	zip := gzip.NewWriter(to)
	archive := tar.NewWriter(zip)
	add := func(name string, text []byte) error {
		if len(text) > maxPart {
			text = append([]byte("… the beginning is left out\n"), text[len(text)-maxPart:]...)
		}
		text = []byte(clean(string(text)))
		header := &tar.Header{Name: path.Join(dir, name), Mode: 0o600, Size: int64(len(text)), ModTime: now, Format: tar.FormatPAX}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		_, err := archive.Write(text)
		return err
	}
	for _, p := range parts {
		text, err := p.Read(ctx)
		if err != nil {
			missing = append(missing, fmt.Errorf("%s: %w", p.Name, err))
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(text) == 0 {
			continue
		}
		if err := add(p.Name, text); err != nil {
			return nil, err
		}
	}
	var lines strings.Builder
	for _, m := range missing {
		fmt.Fprintln(&lines, m)
	}
	if len(missing) > 0 {
		if err := add("errors.txt", []byte(lines.String())); err != nil {
			return nil, err
		}
	}
	return missing, errors.Join(archive.Close(), zip.Close())
}
