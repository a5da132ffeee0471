package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/pflag"
)

// params follow the ConfigMaps while the agent runs.
type params struct {
	config func(name string) (data map[string]string, version string)
	log    *slog.Logger
	tell   func(configMap string, wrong []string) // by an Event
	take   func(o *agentOptions, changed []string)
	start  *pflag.FlagSet // as the agent was started
	news   chan struct{}  // has a token if a ConfigMap may have changed

	now     atomic.Pointer[inForce]
	invalid atomic.Int64      // entries that are wrong
	later   atomic.Int64      // settings that count from the next start on
	seen    string            // versions of the ConfigMaps
	told    map[string]string // what was last said of each ConfigMap, and of each setting that counts later
}

// inForce are the settings by which the agent works. They are not changed.
type inForce struct {
	options *agentOptions
	flags   *pflag.FlagSet // the same
	from    origins
}

// newParams follow from settings as the agent was started.
func newParams(o *agentOptions, flags *pflag.FlagSet, from origins, log *slog.Logger) *params {
	p := &params{start: flags, log: log, news: make(chan struct{}, 1), told: map[string]string{}}
	p.now.Store(&inForce{o, flags, from})
	return p
}

// options are those in force.
func (p *params) options() *agentOptions { return p.now.Load().options }

// lookAgain is how often files are looked at that settings name: nobody tells of them.
const lookAgain = 10 * time.Second

// follow reads the ConfigMaps again whenever they may have changed, until ctx ends.
// Now and then it has look called.
func (p *params) follow(ctx context.Context, look func()) error {
	ticker := time.NewTicker(lookAgain)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.news:
			p.reload()
		case <-ticker.C:
			look()
			if p.invalid.Load() > 0 { // it may be a file that is there by now
				p.seen = ""
				p.reload()
			}
		}
	}
}

// changed has the ConfigMaps read again soon. It does not block.
func (p *params) changed() {
	select {
	case p.news <- struct{}{}:
	default:
	}
}

// keysChanged has passes made over all Applications, for keys or settings have
// changed.
func (p *parts) keysChanged() {
	p.agent.All()
	p.params.changed()
}

// reload reads the ConfigMaps again if they have changed. An entry that is wrong is
// said, and what was stays; a setting that counts only from the next start on is said,
// too; all others count at once.
func (p *params) reload() {
	all, versions := paramMaps(), ""
	for i := range all {
		var version string
		all[i].data, version = p.config(all[i].name)
		versions += version + "\n"
	}
	if versions == p.seen {
		return
	}
	p.seen = versions
	next, wrong := p.read(all)
	p.complain(all, wrong)
	changed, later := p.differing(next)
	p.postpone(next, later)
	next.options.insist(next.flags)
	p.now.Store(next)
	if len(changed) > 0 {
		p.log.Info("settings have changed", "settings", shown(next.flags, changed))
		p.take(next.options, changed)
	}
}

// read makes settings of what the agent was started with and the ConfigMaps. What is
// wrong is as it was.
func (p *params) read(all []paramMap) (next *inForce, wrong []*misread) {
	was := p.now.Load()
	next = &inForce{options: &agentOptions{}, flags: pflag.NewFlagSet("agent", pflag.ContinueOnError), from: maps.Clone(was.from)}
	next.options.flags(next.flags)
	next.options.plugins.pod = was.options.plugins.pod
	maps.DeleteFunc(next.from, func(_, origin string) bool { return strings.HasPrefix(origin, "ConfigMap ") })
	for flag := range next.from {
		copyFlag(next.flags, p.start, flag)
	}
	_, wrong = fromMaps(next.flags, next.from, all...)
	for _, m := range wrong {
		if m.flag != "" {
			next.keep(was, m.flag)
		}
	}
	for _, c := range settingChecks {
		err := c.wrong(next.options)
		configMap, mapped := strings.CutPrefix(next.from[c.flag], "ConfigMap ")
		if err == nil || !mapped { // what is not in a ConfigMap is as it was at the start
			continue
		}
		configMap, _, _ = strings.Cut(configMap, ",")
		wrong = append(wrong, &misread{configMap, c.flag, fmt.Errorf("%s: %w", next.from[c.flag], err)})
		next.keep(was, c.flag)
	}
	return next, wrong
}

// keep leaves a setting as it was.
func (f *inForce) keep(was *inForce, flag string) {
	copyFlag(f.flags, was.flags, flag)
	if f.from[flag] = was.from[flag]; f.from[flag] == "" {
		delete(f.from, flag)
	}
}

// copyFlag gives a flag the value that it has in another set.
func copyFlag(to, from *pflag.FlagSet, name string) {
	a, b := to.Lookup(name), from.Lookup(name)
	a.Changed = b.Changed
	if list, ok := b.Value.(pflag.SliceValue); ok {
		_ = a.Value.(pflag.SliceValue).Replace(list.GetSlice()) // they are of one kind
		return
	}
	_ = a.Value.Set(b.Value.String()) // as it prints, it is read
}

// differing are the settings that are others than those in force, and those that are
// others than at the start, and count from the next one on.
func (p *params) differing(next *inForce) (changed, later []string) {
	was := p.now.Load()
	next.flags.VisitAll(func(f *pflag.Flag) {
		value := f.Value.String()
		switch _, waits := atStart[f.Name]; {
		case waits && value != p.start.Lookup(f.Name).Value.String():
			later = append(later, f.Name)
		case !waits && value != was.flags.Lookup(f.Name).Value.String():
			changed = append(changed, f.Name)
		}
	})
	for _, interval := range []string{"poll-interval", "refresh-interval"} { // argocd-cm counts or not, though the value is the same
		if next.flags.Changed(interval) != was.flags.Changed(interval) && !slices.Contains(changed, interval) {
			changed = append(changed, interval)
		}
	}
	return changed, later
}

// postpone leaves settings as they are that count from the next start on, and says so
// once.
func (p *params) postpone(next *inForce, later []string) {
	var news []string
	for name := range atStart {
		if !slices.Contains(later, name) {
			delete(p.told, name)
			continue
		}
		value := next.flags.Lookup(name).Value.String()
		if p.told[name] != value {
			news = append(news, name)
		}
		p.told[name] = value
	}
	slices.Sort(news)
	if len(news) > 0 {
		p.log.Warn("settings have changed that take effect at the next start of the agent", "settings", shown(next.flags, news))
	}
	p.later.Store(int64(len(later)))
	started := &inForce{flags: p.start, from: p.now.Load().from}
	for _, name := range later {
		next.keep(started, name)
	}
}

// complain says what is wrong, once for as long as it is the same.
func (p *params) complain(all []paramMap, wrong []*misread) {
	p.invalid.Store(int64(len(wrong)))
	for _, m := range all {
		var texts []string
		for _, w := range wrong {
			if w.configMap == m.name {
				texts = append(texts, w.Error())
			}
		}
		said := strings.Join(texts, "\n")
		if said == p.told[m.name] {
			continue
		}
		p.told[m.name] = said
		for _, text := range texts {
			p.log.Error("a setting cannot be read, and stays as it was", "error", text)
		}
		if len(texts) > 0 {
			p.tell(m.name, texts)
		}
	}
}

// shown are settings as name=value.
func shown(flags *pflag.FlagSet, names []string) string {
	var all []string
	for _, name := range names {
		all = append(all, name+"="+flags.Lookup(name).Value.String())
	}
	return strings.Join(all, " ")
}
