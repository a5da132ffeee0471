package signature

import (
	"strings"
	"testing"
)

// What is signed is the object without its signature, byte for byte.
func TestParseCommit(t *testing.T) {
	const parent = "parent 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"
	for _, tt := range []struct{ name, raw, payload, signature, err string }{
		{"no signature", tree + who + "\nx", tree + who + "\nx", "", ""},
		{"a signature", tree + who + "gpgsig A\n B\n \n C\n\nx\n", tree + who + "\nx\n", "A\nB\n\nC\n", ""},
		{"headers around it", tree + who + "gpgsig A\n B\nencoding x\n\nx", tree + who + "encoding x\n\nx", "A\nB\n", ""},
		{"a header of many lines before it", tree + who + "mergetag A\n gpgsig B\ngpgsig C\n\nx", tree + who + "mergetag A\n gpgsig B\n\nx", "C\n", ""},
		{"one in the message", tree + who + "\ngpgsig A\n\nx", tree + who + "\ngpgsig A\n\nx", "", ""},
		{"two", tree + who + "gpgsig A\ngpgsig B\n\nx", "", "", "2 signatures"},
		{"of another form of it", tree + who + "gpgsig-sha256 A\n\nx", "", "", "another form"},
		{"one too long", tree + who + "gpgsig " + strings.Repeat("A", maxSignature+1) + "\n\nx", "", "", "bytes"},
		{"a parent that is none", tree + "parent ../x\n" + who + "\nx", "", "", "no object id"},
		{"nothing", "", "", "", ""},
		{"no message", tree + parent + who, tree + parent + who, "", ""},
		{"cut in a header", tree + "gpgsig A\n B", tree, "A\nB", ""},
	} {
		o, err := ParseCommit([]byte(tt.raw))
		if tt.err != "" || err != nil {
			if err == nil || tt.err == "" || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: got %v, want %q", tt.name, err, tt.err)
			}
			continue
		}
		if string(o.Payload) != tt.payload || o.Signature != tt.signature {
			t.Errorf("%s: got %q and %q, want %q and %q", tt.name, o.Payload, o.Signature, tt.payload, tt.signature)
		}
	}
}

func TestParseTag(t *testing.T) {
	const head = "object 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ntype commit\ntag v1\ntagger A <a@example.com> 0 +0000\n\n"
	for _, tt := range []struct{ name, raw, payload, signature, err string }{
		{"no signature", head + "x\n", head + "x\n", "", ""},
		{"a signature", head + "x\n" + pgpBegin + "\nA\n", head + "x\n", pgpBegin + "\nA\n", ""},
		{"the last one counts", head + pgpBegin + "\nA\n" + pgpBegin + "\nB\n", head + pgpBegin + "\nA\n", pgpBegin + "\nB\n", ""},
		{"one within a line", head + "x " + pgpBegin + "\n", head + "x " + pgpBegin + "\n", "", ""},
		{"of SSH", head + "x\n-----BEGIN SSH SIGNATURE-----\nA\n", head + "x\n", "-----BEGIN SSH SIGNATURE-----\nA\n", ""},
		{"a target that is none", strings.Replace(head, "4b82", "!!!!", 1), "", "", "without a name or a target"},
		{"no name", strings.Replace(head, "tag v1\n", "", 1), "", "", "without a name or a target"},
		{"in a header", strings.Replace(head, "\n\n", "\ngpgsig-sha256 A\n\n", 1), "", "", "another form"},
	} {
		o, err := ParseTag([]byte(tt.raw))
		if tt.err != "" || err != nil {
			if err == nil || tt.err == "" || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: got %v, want %q", tt.name, err, tt.err)
			}
			continue
		}
		if string(o.Payload) != tt.payload || o.Signature != tt.signature || o.Name != "v1" || o.Target != head[7:47] {
			t.Errorf("%s: got %+v", tt.name, o)
		}
	}
}

// A seal is a trailer of the last paragraph, as `git commit --trailer` writes it.
func TestSeal(t *testing.T) {
	for message, want := range map[string]bool{
		"subject\n\nArgocd-gpg-seal: reviewed\n":                             true,
		"subject\n\nbody\n\nSigned-off-by: A\nargocd-GPG-seal: reviewed\n\n": true,
		"subject\n\nArgocd-gpg-seal:\n":                                      false,
		"subject\n\nArgocd-gpg-seal: x\n\nSigned-off-by: A\n":                false,
		"Argocd-gpg-seal: subject\n":                                         false,
		"subject\n\nsays Argocd-gpg-seal: x\n":                               false,
	} {
		o, err := ParseCommit([]byte(commit("", message)))
		if err != nil || o.Seal != want {
			t.Errorf("%q: got %v, %v, want %v", message, o.Seal, err, want)
		}
	}
}

// Whatever is parsed and changed does not verify, and nothing makes it panic.
func FuzzVerify(f *testing.F) {
	for _, file := range []string{"commit", "commit-rsa", "commit-subkey", "commit-sha1", "tag"} {
		f.Add([]byte(read(f, file)))
	}
	keys := realKeys(f)
	good := map[string]bool{}
	for _, file := range []string{"commit", "commit-rsa", "commit-subkey"} {
		o, err := ParseCommit([]byte(read(f, file)))
		if err != nil {
			f.Fatal(err)
		}
		good[string(o.Payload)] = true
	}
	tag, err := ParseTag([]byte(read(f, "tag")))
	if err != nil {
		f.Fatal(err)
	}
	good[string(tag.Payload)] = true
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, parse := range []func([]byte) (*Object, error){ParseCommit, ParseTag} {
			o, err := parse(raw)
			if err != nil {
				continue
			}
			if _, err := keys.Verify(o, today); err == nil && !good[string(o.Payload)] {
				t.Errorf("a forgery: %q", raw)
			}
		}
	})
}

// Blocks of keys come from administrators, and may be of any form.
func FuzzReadKeyring(f *testing.F) {
	f.Add(read(f, "gnupg.asc"))
	o, err := ParseCommit([]byte(read(f, "commit")))
	if err != nil {
		f.Fatal(err)
	}
	ids := strings.Fields(read(f, "ids"))
	f.Fuzz(func(_ *testing.T, block string) {
		known, _ := ReadKeyring(map[string]string{"a": block})
		keys := known.Accept(ids)
		_, _ = keys.Verify(o, today)
		_ = keys.String()
		_ = keys.Until(today)
	})
}
