package git

import (
	"fmt"
	"testing"
)

// monorepo is 100 services with 13 files each.
func monorepo(b *testing.B) (*upstream, *webServer, *Store, Repo) {
	u := newUpstream(b)
	files := map[string]string{}
	for i := range 100 {
		for j := range 13 {
			files[fmt.Sprintf("apps/svc-%d/base/file-%d.yaml", i, j)] = fmt.Sprintf("kind: ConfigMap\nmetadata: {name: svc-%d-%d}\n", i, j)
		}
	}
	u.commit(files)
	web := u.serve("", "")
	return u, web, newStore(b, Options{}), Repo{URL: web.url()}
}

func BenchmarkLookup(b *testing.B) {
	_, _, s, repo := monorepo(b)
	tree := tree(b, s, repo, resolve(b, s, repo, "main"))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := tree.Lookup(fmt.Sprintf("apps/svc-%d/base/file-3.yaml", i%100)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadFile(b *testing.B) {
	_, _, s, repo := monorepo(b)
	tree := tree(b, s, repo, resolve(b, s, repo, "main"))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := tree.ReadFile(fmt.Sprintf("apps/svc-%d/base/file-3.yaml", i%100)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHold checks 100 applications with 13 facts each against a commit
// that changed one of them; the commit's directories are read the first time.
func BenchmarkHold(b *testing.B) {
	u, _, s, repo := monorepo(b)
	old := tree(b, s, repo, resolve(b, s, repo, "main"))
	var all []Facts
	for i := range 100 {
		rec := NewRecorder(old)
		for j := range 13 {
			if _, err := rec.ReadFile(fmt.Sprintf("apps/svc-%d/base/file-%d.yaml", i, j)); err != nil {
				b.Fatal(err)
			}
		}
		all = append(all, rec.Facts())
	}
	now := tree(b, s, repo, u.commit(map[string]string{"apps/svc-50/base/file-0.yaml": "x"}))
	b.ReportAllocs()
	for b.Loop() {
		broken := 0
		for _, facts := range all {
			if !facts.Hold(now) {
				broken++
			}
		}
		if broken != 1 {
			b.Fatalf("%d applications have to render again", broken)
		}
	}
}

// BenchmarkHoldAfter checks 1,000 applications with 13 facts each against a
// commit that changed one of them, by what the commit changed.
func BenchmarkHoldAfter(b *testing.B) {
	u, _, s, repo := monorepo(b)
	old := tree(b, s, repo, resolve(b, s, repo, "main"))
	var all []Facts
	for i := range 1000 {
		rec := NewRecorder(old)
		for j := range 13 {
			if _, err := rec.ReadFile(fmt.Sprintf("apps/svc-%d/base/file-%d.yaml", i%100, j)); err != nil {
				b.Fatal(err)
			}
		}
		all = append(all, rec.Facts())
	}
	now := tree(b, s, repo, u.commit(map[string]string{"apps/svc-50/base/file-0.yaml": "x"}))
	b.ReportAllocs()
	for b.Loop() {
		changes, err := Compare(old, now)
		if err != nil {
			b.Fatal(err)
		}
		broken := 0
		for _, facts := range all {
			if !facts.HoldAfter(changes, now) {
				broken++
			}
		}
		if broken != 10 {
			b.Fatalf("%d applications have to render again", broken)
		}
	}
}

// BenchmarkFetch is from a push of one commit to its tree, over smart HTTP.
func BenchmarkFetch(b *testing.B) {
	u, web, s, repo := monorepo(b)
	tree(b, s, repo, resolve(b, s, repo, "main"))
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		want := u.commit(map[string]string{"apps/svc-50/base/file-0.yaml": fmt.Sprint(i)})
		b.StartTimer()
		sha := resolve(b, s, repo, "main")
		if sha != want {
			b.Fatalf("got %s, want %s", sha, want)
		}
		if _, err := tree(b, s, repo, sha).ReadFile("apps/svc-50/base/file-0.yaml"); err != nil {
			b.Fatal(err)
		}
	}
	lists, packs := web.counts()
	b.ReportMetric(float64(lists+packs)/float64(b.N), "requests/op")
	b.ReportMetric(float64(len(*s.mirrors[Normalize(repo.URL)].packs.Load())), "packs")
}
