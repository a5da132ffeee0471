package host

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"testing"
)

// hear returns what a voice logs of what a plugin prints.
func hear(t testing.TB, printed string) (lines, lastWords string) {
	t.Helper()
	var out bytes.Buffer
	v := newVoice(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == "line" {
				return a
			}
			return slog.Attr{}
		},
	})))
	if _, err := io.Copy(v, strings.NewReader(printed)); err != nil {
		t.Fatal(err)
	}
	v.flush()
	return out.String(), v.lastWords()
}

func TestVoice(t *testing.T) {
	for _, tt := range []struct{ name, printed, want, lastWords string }{
		{"lines", "one\ntwo\n", "line=one\nline=two\n", ""},
		{"no end of line", "one", "line=one\n", ""},
		{"control characters", "a\x1b[2Jb\u202ec\r\n", "line=a[2Jbc\n", ""},
		{"a long line", strings.Repeat("x", 5000) + "\nnext\n", "line=" + strings.Repeat("x", maxLine) + "\nline=next\n", ""},
		{
			"a panic with a value",
			"panic: password is hunter2\n\ngoroutine 7 [running]:\nmain.(*render).run(0xc000012, {0x1, 0x2})\n\t/src/main.go:12 +0x1d\nhunter2\n",
			"line=panic\nline=\"goroutine 7 \"\nline=main.(*render).run\nline=\" /src/main.go:12\"\n", ", panic",
		},
		{"a bug", "panic: runtime error: index out of range [5] with length 3\n", "line=\"panic: runtime error: index out of range\"\n", ", panic: runtime error: index out of range"},
		{"a race", "fatal error: concurrent map writes\n", "line=\"fatal error: concurrent map\"\n", ", fatal error: concurrent map"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, lastWords := hear(t, tt.printed)
			if got != tt.want || lastWords != tt.lastWords {
				t.Errorf("heard %q\ngot  %q, %q\nwant %q, %q", tt.printed, got, lastWords, tt.want, tt.lastWords)
			}
		})
	}
}

func TestVoiceIsCapped(t *testing.T) {
	got, _ := hear(t, strings.Repeat(strings.Repeat("x", 500)+"\n", 1000))
	if len(got) > 2*maxVoice || !strings.Contains(got, "it prints too much") {
		t.Errorf("%d bytes were logged, %q at the end", len(got), got[max(0, len(got)-100):])
	}
}

func FuzzVoice(f *testing.F) {
	f.Add("panic: x\n\tmain.go:1\n")
	f.Add("a\x00b\xff\n\n")
	f.Fuzz(func(t *testing.T, printed string) {
		got, _ := hear(t, printed)
		for line := range strings.Lines(got) {
			if !strings.HasPrefix(line, "line=") {
				t.Errorf("heard %q, a line is forged: %q", printed, line)
			}
		}
		if strings.ContainsAny(got, "\x1b\x00") {
			t.Errorf("heard %q, control characters were logged: %q", printed, got)
		}
	})
}
