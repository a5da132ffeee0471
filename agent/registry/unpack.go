package registry

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/tidelock-io/tidelock/agent/git"
)

// Limits bound what a server may send, and what may come out of it. A zero field
// means its default.
type Limits struct {
	Index    int64 // bytes of a Helm repository's index; 64 MiB
	Archive  int64 // bytes of a chart or an artifact as it is sent; 64 MiB
	Unpacked int64 // bytes of all its files; 256 MiB
	Ratio    int64 // of unpacked to sent, beyond the first 16 MiB; 100
	Files    int   // in an archive; 10,000
	File     int64 // bytes of a single file that is fetched by its address; 16 MiB
	Tags     int   // of a registry's repository; 100,000
}

const (
	maxName    = 1024     // bytes of a path in an archive
	maxDepth   = 32       // its parts
	ratioFloor = 16 << 20 // what any archive may unpack to
)

func (l Limits) orDefault() Limits {
	set := func(field *int64, value int64) {
		if *field == 0 {
			*field = value
		}
	}
	set(&l.Index, 64<<20)
	set(&l.Archive, 64<<20)
	set(&l.Unpacked, 256<<20)
	set(&l.Ratio, 100)
	set(&l.File, 16<<20)
	if l.Files == 0 {
		l.Files = 10_000
	}
	if l.Tags == 0 {
		l.Tags = 100_000
	}
	return l
}

// An unpacking is one archive on its way to being a tree. Its errors tell of the
// archive only; what of it is bad is git.ErrMalformed, what is too much
// git.ErrTooLarge.
type unpacking struct {
	limits  Limits
	sent    int64 // size of the archive
	links   bool  // symbolic links are kept; a chart may have none
	entries int
	stream  int64 // bytes that came out of it, headers included
	files   int64 // bytes of the files, of which the holes of sparse ones are not in the stream
	members []git.Member
}

// unpackChart returns the files of a chart's archive by their names in the
// chart's own directory, which must be all that there is.
func unpackChart(data []byte, limits Limits) ([]git.Member, error) {
	u := &unpacking{limits: limits, sent: int64(len(data))}
	if err := u.read(data); err != nil {
		return nil, err
	}
	root := ""
	for i, m := range u.members {
		dir, inner, ok := strings.Cut(m.Name, "/")
		switch {
		case !ok:
			return nil, fmt.Errorf("%w: %s lies beside the chart's directory", git.ErrMalformed, clean(m.Name))
		case root != "" && dir != root:
			return nil, fmt.Errorf("%w: it has several directories at the top, such as %s and %s", git.ErrMalformed, clean(root), clean(dir))
		}
		root, u.members[i].Name = dir, inner
	}
	if root == "" {
		return nil, fmt.Errorf("%w: it holds no file", git.ErrMalformed)
	}
	return u.members, nil
}

// unpackLayer returns the files of an artifact's layer; links are kept as links.
func unpackLayer(data []byte, limits Limits) ([]git.Member, error) {
	u := &unpacking{limits: limits, sent: int64(len(data)), links: true}
	if err := u.read(data); err != nil {
		return nil, err
	}
	return u.members, nil
}

// read takes a tar archive apart, compressed by gzip or not.
func (u *unpacking) read(data []byte) error {
	var stream io.Reader = bytes.NewReader(data)
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		unzipped, err := gzip.NewReader(stream)
		if err != nil {
			return fmt.Errorf("%w: the archive is no gzip: %w", git.ErrMalformed, err)
		}
		stream = unzipped
	}
	// Headers and padding count, too: a bomb need not be made of files.
	archive := tar.NewReader(&metered{stream, u})
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return damaged(err)
		}
		if u.entries++; u.entries > u.limits.Files {
			return fmt.Errorf("%w: the archive has more than %d entries", git.ErrTooLarge, u.limits.Files)
		}
		if err := u.take(header, archive); err != nil {
			return err
		}
	}
}

// damaged is the error for what is no archive; limits keep their kind.
func damaged(err error) error {
	if errors.Is(err, git.ErrTooLarge) {
		return err
	}
	return fmt.Errorf("%w: the archive cannot be read: %w", git.ErrMalformed, err)
}

// take adds one entry.
func (u *unpacking) take(header *tar.Header, content io.Reader) error {
	name, err := entryName(header.Name)
	if err != nil {
		return err
	}
	switch header.Typeflag {
	case tar.TypeXGlobalHeader, tar.TypeDir: // directories are where files are
		return nil
	case tar.TypeReg:
		if name == "." {
			return fmt.Errorf("%w: a file of the archive has no name", git.ErrMalformed)
		}
		if u.files += max(0, header.Size); u.tooMuch(u.files) != nil {
			return u.tooMuch(u.files)
		}
		data, err := io.ReadAll(content)
		if err != nil {
			return damaged(err)
		}
		u.members = append(u.members, git.Member{Name: name, Kind: fileKind(header), Content: data})
		return nil
	case tar.TypeSymlink:
		if u.links {
			u.members = append(u.members, git.Member{Name: name, Kind: git.Link, Content: []byte(header.Linkname)})
			return nil
		}
	}
	return fmt.Errorf("%w: %s is a %s; only files are taken", git.ErrMalformed, clean(name), entryType(header.Typeflag))
}

func fileKind(header *tar.Header) git.Kind {
	if header.Mode&0o111 != 0 {
		return git.Executable
	}
	return git.File
}

// entryName makes the name of an entry one of fs.ValidPath. What is absolute or
// climbs is refused, not mended: somebody meant it.
func entryName(name string) (string, error) {
	refused := func(why string) error {
		return fmt.Errorf("%w: the archive has an entry %s, which %s", git.ErrMalformed, clean(name), why)
	}
	switch {
	case len(name) > maxName:
		return "", fmt.Errorf("%w: the archive has an entry with a name of %d bytes", git.ErrTooLarge, len(name))
	case strings.ContainsAny(name, "\\\x00"):
		return "", refused("has a backslash or a zero in its name")
	case strings.HasPrefix(name, "/") || len(name) > 1 && name[1] == ':':
		return "", refused("is absolute")
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", refused("leads out of it")
		}
	}
	cleaned := path.Clean(name)
	switch {
	case !fs.ValidPath(cleaned):
		return "", refused("is no name of a file")
	case strings.Count(cleaned, "/") >= maxDepth:
		return "", fmt.Errorf("%w: the archive has an entry more than %d directories deep", git.ErrTooLarge, maxDepth)
	}
	return cleaned, nil
}

func entryType(flag byte) string {
	switch flag {
	case tar.TypeSymlink:
		return "symbolic link"
	case tar.TypeLink:
		return "hard link"
	case tar.TypeChar, tar.TypeBlock:
		return "device"
	case tar.TypeFifo:
		return "pipe"
	}
	return fmt.Sprintf("entry of type %q", flag)
}

// clean makes a name of an archive fit for a message.
func clean(name string) string {
	if len(name) > 200 {
		name = name[:200] + "…"
	}
	return git.Plain(errors.New(strings.ToValidUTF8(name, "?")))
}

// metered counts what comes out of an archive.
type metered struct {
	from io.Reader
	u    *unpacking
}

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.from.Read(p)
	m.u.stream += int64(n)
	if over := m.u.tooMuch(m.u.stream); over != nil {
		return 0, over
	}
	return n, err
}

// tooMuch says whether an archive may unpack to so many bytes.
func (u *unpacking) tooMuch(bytes int64) error {
	switch {
	case bytes > u.limits.Unpacked:
		return fmt.Errorf("%w: the archive unpacks to more than %d bytes", git.ErrTooLarge, u.limits.Unpacked)
	case bytes > ratioFloor && bytes/u.limits.Ratio > u.sent:
		return fmt.Errorf("%w: the archive unpacks to more than %d times its size", git.ErrTooLarge, u.limits.Ratio)
	}
	return nil
}
