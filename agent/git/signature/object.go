package signature

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// maxSignature bounds an armored signature, in bytes. One of RSA 16384 has 3 kB.
const maxSignature = 64 << 10

const pgpBegin = "-----BEGIN PGP SIGNATURE-----"

// An Object is a commit or an annotated tag, cut as git signs it.
type Object struct {
	Payload   []byte   // the bytes that are signed
	Signature string   // as it stands in the object; "" if there is none
	Parents   []string // of a commit: object ids in hex
	Target    string   // of a tag: the id of what it names
	Name      string   // of a tag
	Seal      bool     // of a commit: it vouches for its ancestry
}

// hexID is an object id.
var hexID = regexp.MustCompile(`^[0-9a-f]{40}$`)

// ParseCommit cuts a raw commit. The signature is the header gpgsig; the rest,
// as it stands, is what is signed.
func ParseCommit(raw []byte) (*Object, error) {
	o := &Object{}
	var signed, payload []byte
	rest, found := raw, 0
	for len(rest) > 0 && rest[0] != '\n' {
		line := header(rest)
		name, value, _ := strings.Cut(string(line), " ")
		switch {
		case name == "gpgsig":
			found++
			signed = bytes.TrimPrefix(line[len("gpgsig"):], []byte(" "))
		case strings.HasPrefix(name, "gpgsig"):
			return nil, fmt.Errorf("commit with a header %q, which signs another form of it", name)
		case name == "parent" && !hexID.MatchString(strings.TrimSuffix(value, "\n")):
			return nil, fmt.Errorf("commit with a parent that is no object id")
		case name == "parent":
			o.Parents = append(o.Parents, strings.TrimSuffix(value, "\n"))
		}
		if name != "gpgsig" {
			payload = append(payload, line...)
		}
		rest = rest[len(line):]
	}
	switch {
	case found > 1:
		return nil, fmt.Errorf("commit with %d signatures", found)
	case len(signed) > maxSignature:
		return nil, fmt.Errorf("commit with a signature of %d bytes", len(signed))
	}
	o.Payload = append(payload, rest...)
	o.Signature = strings.ReplaceAll(string(signed), "\n ", "\n")
	o.Seal = seals(rest)
	return o, nil
}

// header returns the first header, with its lines that go on behind a space.
func header(raw []byte) []byte {
	end := 0
	for {
		i := bytes.IndexByte(raw[end:], '\n')
		if i < 0 {
			return raw
		}
		end += i + 1
		if end == len(raw) || raw[end] != ' ' {
			return raw[:end]
		}
	}
}

// sealTrailer is Argo CD's mark of a commit that vouches for its ancestry, by
// which strict mode goes no further back.
var sealTrailer = regexp.MustCompile(`(?mi)^argocd-gpg-seal:[ \t]*\S`)

// seals reports whether a message has the trailer in its last paragraph, which
// is not its subject.
func seals(message []byte) bool {
	text := strings.TrimSpace(string(message))
	i := strings.LastIndex(text, "\n\n")
	return i >= 0 && sealTrailer.MatchString(text[i+2:])
}

// ParseTag cuts a raw annotated tag. The signature is at its end; all before it
// is what is signed.
func ParseTag(raw []byte) (*Object, error) {
	o := &Object{Payload: raw}
	for rest := raw; len(rest) > 0 && rest[0] != '\n'; {
		line := header(rest)
		name, value, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), " ")
		switch {
		case strings.HasPrefix(name, "gpgsig"):
			return nil, fmt.Errorf("tag with a header %q, which signs another form of it", name)
		case name == "object" && o.Target == "" && hexID.MatchString(value):
			o.Target = value
		case name == "tag" && o.Name == "":
			o.Name = value
		}
		rest = rest[len(line):]
	}
	if at := lastSignature(raw); at >= 0 {
		if len(raw)-at > maxSignature {
			return nil, fmt.Errorf("tag with a signature of %d bytes", len(raw)-at)
		}
		o.Payload, o.Signature = raw[:at], string(raw[at:])
	}
	if o.Target == "" || o.Name == "" {
		return nil, fmt.Errorf("tag without a name or a target")
	}
	return o, nil
}

// lastSignature returns where the last signature of a tag begins, at the
// beginning of a line; -1 if nowhere.
func lastSignature(raw []byte) int {
	last := -1
	for _, begin := range []string{pgpBegin, "-----BEGIN PGP MESSAGE-----", "-----BEGIN SSH SIGNATURE-----", "-----BEGIN SIGNED MESSAGE-----"} {
		if at := bytes.LastIndex(raw, []byte("\n"+begin)); at >= 0 {
			last = max(last, at+1)
		}
	}
	return last
}
