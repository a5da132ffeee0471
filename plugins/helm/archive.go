package helm

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// maxRatio is how much larger than its archive a chart may be, once it is large
// at all. Manifests shrink to a tenth or so.
const (
	maxRatio  = 200
	freeBytes = 1 << 20
)

// unpack returns the files of a chart's archive. It refuses what no packaged
// chart has: links, names that lead out, and more than compression explains.
func (l *loading) unpack(packed file) ([]file, error) {
	files, err := l.untar(packed)
	if err != nil {
		return nil, fmt.Errorf("%s: this archive is no chart that can be used: %w", packed.place, err)
	}
	return files, nil
}

func (l *loading) untar(packed file) ([]file, error) {
	plain, err := gzip.NewReader(bytes.NewReader(packed.data))
	if err != nil {
		return nil, fmt.Errorf("it is not compressed by gzip: %w", err)
	}
	left := min(int64(maxBytes-l.bytes), max(freeBytes, int64(len(packed.data))*maxRatio))
	bounded := &io.LimitedReader{R: plain, N: left + 1}
	members := tar.NewReader(bounded)
	var files []file
	for {
		header, err := members.Next()
		if errors.Is(err, io.EOF) && bounded.N > 0 {
			break
		}
		if bounded.N <= 0 {
			return nil, fmt.Errorf("unpacked it is larger than %d bytes", left)
		}
		if err != nil {
			return nil, err
		}
		name, err := memberName(header)
		if err != nil {
			return nil, err
		}
		if name == "" {
			continue
		}
		data, err := io.ReadAll(members)
		if bounded.N <= 0 {
			return nil, fmt.Errorf("unpacked it is larger than %d bytes", left)
		}
		if err != nil {
			return nil, err
		}
		if err := l.count(len(data)); err != nil {
			return nil, err
		}
		files = append(files, file{name: name, place: packed.place + "//" + name, data: bytes.TrimPrefix(data, byteOrderMark)})
	}
	if len(files) == 0 {
		return nil, errors.New("it is empty")
	}
	return files, nil
}

// memberName returns a member's name in the chart, which lies in one directory
// of the archive; "" for what is no file.
func memberName(header *tar.Header) (string, error) {
	switch header.Typeflag {
	case tar.TypeDir, tar.TypeXGlobalHeader, tar.TypeXHeader:
		return "", nil
	case tar.TypeReg:
	default:
		return "", fmt.Errorf("%q is a link or a device", header.Name)
	}
	full := strings.ReplaceAll(header.Name, `\`, "/") // as packed on Windows
	if path.IsAbs(full) || len(full) > 1 && full[1] == ':' {
		return "", fmt.Errorf("%q is an absolute path", header.Name)
	}
	for part := range strings.SplitSeq(full, "/") {
		if part == ".." {
			return "", fmt.Errorf("%q leads out of the archive", header.Name)
		}
	}
	_, name, _ := strings.Cut(full, "/")
	if name = path.Clean(name); name == "." {
		return "", fmt.Errorf("%q is not in the chart's directory", header.Name)
	}
	return name, nil
}
