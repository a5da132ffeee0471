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

// An Archive is how to write one.
type Archive struct {
	// Dir is the directory that all files are in.
	Dir string
	At  time.Time
	// Clean takes what is secret out of a text.
	Clean func(string) string
	// MaxPart is how many bytes of a part are kept: of a longer one the end, which is
	// what a log is read for.
	MaxPart int
}

// A Part is one file of the archive.
type Part struct {
	Name string
	Read func(context.Context) ([]byte, error)
}

// Write writes the archive (tar, gzip) with all parts that can be had. What cannot be
// had is told in errors.txt, and returned.
func (a Archive) Write(ctx context.Context, to io.Writer, parts []Part) (missing []error, err error) {
	zip := gzip.NewWriter(to)
	archive := tar.NewWriter(zip)
	add := func(name string, text []byte) error {
		text = []byte(a.Clean(string(text))) // before the cut, which could go through a secret
		if len(text) > a.MaxPart {
			text = append([]byte("… the beginning is left out\n"), text[len(text)-a.MaxPart:]...)
		}
		header := &tar.Header{Name: path.Join(a.Dir, name), Mode: 0o600, Size: int64(len(text)), ModTime: a.At, Format: tar.FormatPAX}
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
