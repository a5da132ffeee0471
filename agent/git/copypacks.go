package git

import (
	"bufio"
	"crypto/sha1" //nolint:gosec // the trailer of a pack is one
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// copyPacks writes one pack with the objects of others, each once, as the first
// of them has it. A delta whose base was so many bytes before it
// (gitformat-pack(5)) names its base instead, for distances change. No circle
// comes of it: the objects of a pack rest on its own, or on an earlier pack's.
func copyPacks(to io.Writer, ps packs) error {
	count, err := countObjects(ps)
	if err != nil {
		return err
	}
	sum := sha1.New() //nolint:gosec // see the import
	w := bufio.NewWriterSize(io.MultiWriter(to, sum), 64<<10)
	head := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(count)) //nolint:gosec // what goes into a pack
	if _, err := w.Write(head); err != nil {
		return err
	}
	written := make(map[plumbing.Hash]bool, count)
	for _, p := range ps {
		c := copying{from: p, to: w, written: written}
		if err := c.run(); err != nil {
			return fmt.Errorf("copy pack %s: %w", p.name, err)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err = to.Write(sum.Sum(nil))
	return err
}

func countObjects(ps packs) (int, error) {
	seen := map[plumbing.Hash]bool{}
	for _, p := range ps {
		names, err := p.offsets()
		if err != nil {
			return 0, err
		}
		for _, h := range names {
			seen[h] = true
		}
	}
	return len(seen), nil
}

// offsets are the objects of a pack by where they begin.
func (p *pack) offsets() (map[int64]plumbing.Hash, error) {
	entries, err := p.index.Entries()
	if err != nil {
		return nil, err
	}
	defer entries.Close()
	names := make(map[int64]plumbing.Hash, p.count)
	for {
		e, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return names, nil
		}
		if err != nil {
			return nil, err
		}
		names[int64(e.Offset)] = e.Hash //nolint:gosec // within a file
	}
}

// copying is the copying of one pack.
type copying struct {
	from    *pack
	to      io.Writer
	written map[plumbing.Hash]bool
	names   map[int64]plumbing.Hash
}

func (c *copying) run() (err error) {
	if c.names, err = c.from.offsets(); err != nil {
		return err
	}
	scanner := packfile.NewScanner(newSection(c.from.file))
	_, count, err := scanner.Header()
	if err != nil {
		return err
	}
	var last *packfile.ObjectHeader
	for range count {
		header, err := scanner.NextObjectHeader()
		if err != nil {
			return err
		}
		if err := c.entry(last, header.Offset); err != nil {
			return err
		}
		if _, _, err := scanner.NextObject(io.Discard); err != nil {
			return err
		}
		last = header
	}
	info, err := c.from.file.Stat()
	if err != nil {
		return err
	}
	return c.entry(last, info.Size()-sha1.Size)
}

// entry copies what begins at a header and ends at end, if it is the first of its
// name.
func (c *copying) entry(header *packfile.ObjectHeader, end int64) error {
	if header == nil {
		return nil
	}
	name, known := c.names[header.Offset]
	if !known || c.written[name] { // unknown: once more within the same pack
		return nil
	}
	c.written[name] = true
	from := header.Offset
	if header.Type == plumbing.OFSDeltaObject {
		base, ok := c.names[header.OffsetReference]
		if !ok {
			return fmt.Errorf("the base of object %s has no name", name)
		}
		size, err := c.rename(header.Offset, base)
		if err != nil {
			return err
		}
		from += size
	}
	_, err := io.Copy(c.to, io.NewSectionReader(c.from.file, from, end-from))
	return err
}

// rename writes the head of a delta that names its base, in place of the one at
// an offset, and returns the length of that.
func (c *copying) rename(offset int64, base plumbing.Hash) (int64, error) {
	var head [32]byte // two numbers of ten bytes at most
	if _, err := c.from.file.ReadAt(head[:], offset); err != nil {
		return 0, err
	}
	kind := number(head[:])
	distance := number(head[kind:])
	head[0] = head[0]&0x8f | byte(plumbing.REFDeltaObject)<<4
	if _, err := c.to.Write(head[:kind]); err != nil {
		return 0, err
	}
	_, err := c.to.Write(base[:])
	return int64(kind + distance), err
}

// number is the length of a number, whose last byte has no highest bit.
func number(b []byte) int {
	n := 1
	for n < len(b) && b[n-1]&0x80 != 0 {
		n++
	}
	return n
}
