package git

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strings"
	"unicode"

	"github.com/go-git/go-git/v5/config"
)

const (
	maxGitmodules = 1 << 20 // bytes
	maxListed     = 10_000  // submodules
)

// parseGitmodules returns the addresses of submodules by their paths. What is
// listed twice, or in a way that Git would not take, is left out.
func parseGitmodules(raw []byte) (map[string]string, error) {
	modules := config.NewModules()
	if err := modules.Unmarshal(raw); err != nil {
		return nil, errors.New(plain(err))
	}
	if len(modules.Submodules) > maxListed {
		return nil, fmt.Errorf("more than %d submodules", maxListed)
	}
	listed := map[string]string{}
	for _, m := range modules.Submodules {
		at := path.Clean(m.Path)
		if m.Validate() != nil || at == "." || !fs.ValidPath(at) {
			continue
		}
		if _, twice := listed[at]; twice {
			return nil, fmt.Errorf("%s is listed twice", at)
		}
		listed[at] = m.URL
	}
	return listed, nil
}

// moduleURL is the address of a submodule in a repository, whose own address a
// relative one starts from (gitmodules(5)). Only servers are reached, for a path
// on this machine is nobody's to name.
func moduleURL(parent, to string) (string, error) {
	if strings.IndexFunc(to, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }) >= 0 {
		return "", errors.New("the address has spaces in it")
	}
	if strings.HasPrefix(to, "./") || strings.HasPrefix(to, "../") {
		var err error
		if to, err = relativeURL(parent, to); err != nil {
			return "", err
		}
	}
	if _, local := localPath(to); local {
		return "", errors.New("paths on this machine are not followed")
	}
	if !strings.Contains(to, "://") {
		if strings.HasPrefix(to, "-") || strings.Contains(to, "::") || !scpLike.MatchString(to) {
			return "", errors.New("the address is not one of a server")
		}
		return to, nil
	}
	u, err := url.Parse(to)
	if err != nil || u.Hostname() == "" || strings.HasPrefix(u.Host, "-") {
		return "", errors.New("the address is not a URL")
	}
	switch u.Scheme {
	case "https", "http", "ssh", "git+ssh":
		return to, nil
	}
	return "", errors.New("use an https or ssh address")
}

// relativeURL goes from the parent's address, as from a directory.
func relativeURL(parent, to string) (string, error) {
	head, way := "", strings.TrimRight(parent, "/")
	if scheme, rest, ok := strings.Cut(way, "://"); ok {
		host, below, _ := strings.Cut(rest, "/")
		head, way = scheme+"://"+host+"/", below
	} else if m := scpLike.FindStringSubmatchIndex(way); m != nil {
		head, way = way[:m[6]], way[m[6]:]
	}
	for {
		if rest, ok := strings.CutPrefix(to, "./"); ok {
			to = rest
			continue
		}
		rest, ok := strings.CutPrefix(to, "../")
		if !ok {
			break
		}
		if way == "" {
			return "", errors.New("the address climbs above the server")
		}
		way, to = way[:max(0, strings.LastIndexByte(way, '/'))], rest
	}
	for part := range strings.SplitSeq(to, "/") {
		if part == ".." || part == "" {
			return "", errors.New("the address is not a path from here")
		}
	}
	if way != "" {
		to = way + "/" + to
	}
	return head + to, nil
}
