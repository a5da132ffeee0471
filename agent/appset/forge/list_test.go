package forge_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/appset/forge"
	"github.com/tidelock-io/tidelock/agent/appset/forge/forgetest"
)

// numbers are those of pull requests.
func numbersOf(t *testing.T, f *forgetest.Forge, product string) ([]int, error) {
	t.Helper()
	g := products(f.URL)[product].pulls
	pulls, err := answersFor(t, forge.Options{}, own()).PullRequests(t.Context(), &g)
	var all []int
	for _, p := range pulls {
		all = append(all, int(p.Number))
	}
	return all, err
}

// branchesOf are repositories and their branches.
func branchesOf(t *testing.T, f *forgetest.Forge, product string) ([]string, error) {
	t.Helper()
	g := products(f.URL)[product].repos
	repos, err := answersFor(t, forge.Options{}, own()).Repositories(t.Context(), &g)
	var all []string
	for _, r := range repos {
		all = append(all, r.Repository+"/"+r.Branch)
	}
	return all, err
}

// pull opens a pull request.
func pull(t *testing.T, f *forgetest.Forge, number int) {
	t.Helper()
	if _, err := f.Open("acme", "shop", forgetest.Pull{Number: number, Title: "x", Author: "ada", Branch: "docs", Labels: []string{"preview"}}); err != nil {
		t.Fatal(err)
	}
}

// end closes one.
func end(t *testing.T, f *forgetest.Forge, number int) {
	t.Helper()
	if _, err := f.End("acme", "shop", number); err != nil {
		t.Fatal(err)
	}
}

// TestChangedPulls: a pull request that is there all the while is in the list, whatever
// else comes or goes between two pages; or else there is no list.
func TestChangedPulls(t *testing.T) {
	for product := range products("") {
		for _, tt := range []struct {
			name string
			turn func(f *forgetest.Forge, turn int) // after so many pages
			want string
		}{
			{"nothing", func(*forgetest.Forge, int) {}, "[7 8 9]"},
			{"the first goes", func(f *forgetest.Forge, turn int) {
				if turn == 1 {
					end(t, f, 7)
				}
			}, "[8 9]"},
			{"the first goes, and one comes: there are as many as before", func(f *forgetest.Forge, turn int) {
				if turn == 1 {
					end(t, f, 7)
					pull(t, f, 10)
				}
			}, "[8 9 10]"},
			{"the first goes while the second reading is at its end", func(f *forgetest.Forge, turn int) {
				if turn == 5 {
					end(t, f, 7)
				}
			}, "[8 9]"},
			{"one comes with each page, at the end", func(f *forgetest.Forge, turn int) { pull(t, f, 9+turn) }, "more than 100 pages"},
			{"one comes once, at the end", func(f *forgetest.Forge, turn int) {
				if turn == 2 {
					pull(t, f, 10)
				}
			}, "[7 8 9 10]"},
			{"never at rest", func(f *forgetest.Forge, turn int) {
				end(t, f, 6+turn)
				pull(t, f, 9+turn)
			}, "changes all the while it is read"},
		} {
			t.Run(product+" "+tt.name, func(t *testing.T) {
				f := aForge(t)
				pull(t, f, 9)
				turns := 0
				f.Turned(func(int) {
					if turns++; turns < 200 {
						tt.turn(f, turns)
					}
				})
				got, err := numbersOf(t, f, product)
				switch {
				case strings.Contains(tt.want, "["):
					if fmt.Sprint(got) != tt.want || err != nil {
						t.Errorf("got %v, %v, want %s", got, err, tt.want)
					}
				case err == nil || !strings.Contains(err.Error(), tt.want) || got != nil:
					t.Errorf("got %v, %v, want %q", got, err, tt.want)
				}
			})
		}
	}
}

// TestListsByChance: the same by chance, of pull requests, and of repositories and their
// branches.
func TestListsByChance(t *testing.T) {
	const seeds = 60
	for product := range products("") {
		t.Run(product, func(t *testing.T) {
			whole, refused := 0, 0
			for seed := range uint64(seeds) {
				random := rand.New(rand.NewPCG(seed, 7))
				f := aForge(t)
				stable := []int{20, 21, 22, 23}
				shops := []string{"s0", "s1", "s2"}
				volatile := map[int]bool{}
				for i := range 10 {
					switch {
					case i%3 > 0:
						volatile[9+i] = true
						pull(t, f, 9+i)
						f.Add(forgetest.Repository{Owner: "acme", Name: fmt.Sprint("v", i), Default: "main", Git: branches{"main": "m", "x": "x"}})
					case i/3 < 4:
						pull(t, f, stable[i/3])
						if i/3 < 3 {
							f.Add(forgetest.Repository{Owner: "acme", Name: shops[i/3], Default: "main", Git: branches{"main": "m", "x": "x"}})
						}
					}
				}
				f.Turned(func(int) {
					if random.IntN(8) > 0 {
						return
					}
					number := 10 + random.IntN(9)
					if !volatile[number] && (number-9)%3 == 0 {
						return
					}
					if volatile[number] {
						end(t, f, number)
						f.Remove("acme", fmt.Sprint("v", number-9))
					} else {
						pull(t, f, number)
					}
					volatile[number] = !volatile[number]
				})
				got, err := numbersOf(t, f, product)
				repos, reposErr := branchesOf(t, f, product)
				f.Turned(nil)
				for _, err := range []error{err, reposErr} {
					var refusal *forge.Refusal
					switch {
					case err == nil:
						whole++
					case strings.Contains(err.Error(), "changes all the while it is read") || errors.As(err, &refusal):
						refused++
					default:
						t.Errorf("seed %d: %v", seed, err)
					}
				}
				for _, number := range stable {
					if n := count(got, number); err == nil && n != 1 {
						t.Errorf("seed %d: pull request %d is %d times in %v", seed, number, n, got)
					}
				}
				for _, name := range shops {
					for _, branch := range []string{"main", "x"} {
						if n := count(repos, name+"/"+branch); reposErr == nil && n != 1 {
							t.Errorf("seed %d: branch %s of %s is %d times in %v", seed, branch, name, n, repos)
						}
					}
				}
			}
			if whole < seeds/4 || refused == 0 {
				t.Errorf("%d lists are whole, and %d refused", whole, refused)
			}
		})
	}
}

func count[T comparable](all []T, one T) (n int) {
	for _, other := range all {
		if other == one {
			n++
		}
	}
	return n
}

// TestUnorderedList: a server that shows things in another order each time may leave some
// out, and is not believed.
func TestUnorderedList(t *testing.T) {
	f := aForge(t)
	pull(t, f, 8) // it is listed twice, as if another one were left out
	if got, err := numbersOf(t, f, "github"); err == nil {
		t.Errorf("got %v", got)
	}
}

// TestPagesUntold: where no header says whether there are more pages, a full page has one
// behind it.
func TestPagesUntold(t *testing.T) {
	full := "[" + strings.TrimSuffix(strings.Repeat(githubPull12+",", 100), ",") + "]"
	for i := range 100 {
		full = strings.Replace(full, `"number": 12,`, fmt.Sprintf(`"number": %d,`, 1000+i), 1)
	}
	first := strings.Replace(pullsOfShopAtGithub, "page=2", "page=1", 1)
	w := newWorld(t, "", map[string]answer{first: {body: full}, pullsOfShopAtGithub: {body: "[" + githubPull13 + "]"}})
	g := products(w.URL)["github"].pulls
	g.Github.Labels = nil
	pulls, err := answersFor(t, forge.Options{}, own()).PullRequests(t.Context(), &g)
	if err != nil || len(pulls) != 101 || !slices.Contains(w.requests(), pullsOfShopAtGithub) {
		t.Errorf("got %d, %v", len(pulls), err)
	}
}

const pullsOfShopAtGithub = "/api/v3/repos/acme/shop/pulls?direction=asc&page=2&per_page=100&sort=created"

// TestKnownPages: of a list of several pages that has not changed, GitHub and GitLab need
// not send any twice.
func TestKnownPages(t *testing.T) {
	for product, unchanged := range map[string]int{"github": 3, "gitlab": 3, "gitea": 0} {
		f := aForge(t)
		pull(t, f, 9)
		if _, err := numbersOf(t, f, product); err != nil || f.Asked() != 6 || f.Unchanged() != unchanged {
			t.Errorf("%s: of three pages it was asked %d times, of which it sent %d not; %v", product, f.Asked(), f.Unchanged(), err)
		}
	}
}
