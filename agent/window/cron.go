package window

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

const (
	// maxSchedule bounds a schedule, in bytes. One that lists every value has 355.
	maxSchedule = 1024
	minutesADay = 24 * 60
	// horizonDays is how far we look for an opening. Leap days are at most eight years
	// apart, and nothing that a schedule can say is rarer.
	horizonDays = 10 * 366
	// starBit is what package cron marks a day field by that is a star.
	starBit = 1 << 63
)

// A wall is a time on the wall clock, in minutes since 1970-01-01 00:00 there.
type wall int64

// A pattern is what a schedule says of the wall clock, in no particular zone.
type pattern struct {
	text   string
	fields cron.SpecSchedule
	// times are the minutes of a day that match, in order.
	times []wall
	// everyDay is set if no day is left out.
	everyDay bool
	// star is set if the minute or the hour has a *.
	star bool
}

// parsePattern reads five cron fields. Their language is that of robfig/cron, which
// Argo CD reads them with.
func parsePattern(fields []string) (*pattern, error) {
	if len(fields) != 5 {
		return nil, fmt.Errorf("has %d fields; a schedule has five: minute, hour, day, month, weekday", len(fields))
	}
	parser := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	for i, name := range []string{"minute", "hour", "day", "month", "weekday"} {
		if err := checkField(parser, fields[i], i); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	text := strings.Join(fields, " ")
	schedule, err := parser.Parse(text)
	if err != nil {
		return nil, err
	}
	spec, ok := schedule.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("%q is no schedule of five fields", text)
	}
	p := &pattern{text: text, fields: *spec, star: strings.ContainsAny(fields[0]+fields[1], "*?")}
	p.times = p.timesOfDay()
	p.everyDay = p.leavesNoDayOut()
	return p, nil
}

// checkField reads one field alone, for the parser's errors do not say which it was.
func checkField(parser cron.Parser, text string, i int) error {
	foreign := func(r rune) bool {
		return !strings.ContainsRune("*?,-/", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}
	if strings.ContainsFunc(text, foreign) {
		return errors.New("only numbers, names, and the characters * ? , - / are allowed")
	}
	alone := []string{"*", "*", "*", "*", "*"}
	alone[i] = text
	_, err := parser.Parse(strings.Join(alone, " "))
	return err
}

func (p *pattern) timesOfDay() []wall {
	var times []wall
	for minute := range minutesADay {
		if p.fields.Hour>>(minute/60)&1 == 1 && p.fields.Minute>>(minute%60)&1 == 1 {
			times = append(times, wall(minute))
		}
	}
	return times
}

func (p *pattern) leavesNoDayOut() bool {
	const months, days, weekdays = 1<<13 - 2, 1<<32 - 2, 1<<7 - 1
	f := &p.fields
	return f.Month&months == months &&
		(f.Dom&days == days && f.Dow&weekdays == weekdays || f.Dom&starBit == 0 && f.Dow&starBit == 0 && (f.Dom&days == days || f.Dow&weekdays == weekdays))
}

// onDay reports whether a day matches. If both the day and the weekday are given, one
// of them suffices.
func (p *pattern) onDay(date time.Time) bool {
	day, weekday := p.fields.Dom>>date.Day()&1 == 1, p.fields.Dow>>date.Weekday()&1 == 1
	if p.fields.Dom&starBit != 0 || p.fields.Dow&starBit != 0 {
		return day && weekday
	}
	return day || weekday
}

func (p *pattern) inMonth(date time.Time) bool { return p.fields.Month>>date.Month()&1 == 1 }

// from returns the first match at or after w.
func (p *pattern) from(w wall) (wall, bool) {
	day, minute := split(w)
	if i, _ := slices.BinarySearch(p.times, minute); i == len(p.times) {
		day, minute = day+1, 0
	}
	match, ok := p.dayFrom(day)
	if !ok {
		return 0, false
	}
	if match > day {
		minute = 0
	}
	i, _ := slices.BinarySearch(p.times, minute)
	return match*minutesADay + p.times[i], true
}

// last returns the last match at or before w.
func (p *pattern) last(w wall) (wall, bool) {
	day, minute := split(w)
	if len(p.times) == 0 || p.times[0] > minute {
		day, minute = day-1, minutesADay-1
	}
	match, ok := p.dayBefore(day)
	if !ok {
		return 0, false
	}
	if match < day {
		minute = minutesADay - 1
	}
	i, _ := slices.BinarySearch(p.times, minute+1)
	return match*minutesADay + p.times[i-1], true
}

// has reports whether w matches.
func (p *pattern) has(w wall) bool {
	match, ok := p.from(w)
	return ok && match == w
}

// dayFrom returns the first matching day at or after one, in days since 1970.
func (p *pattern) dayFrom(day wall) (wall, bool) {
	date := dateOf(day)
	for end := date.AddDate(0, 0, horizonDays); len(p.times) > 0 && date.Before(end); {
		switch {
		case !p.inMonth(date):
			date = time.Date(date.Year(), date.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		case p.onDay(date):
			return dayOf(date), true
		default:
			date = date.AddDate(0, 0, 1)
		}
	}
	return 0, false
}

// dayBefore returns the last matching day at or before one.
func (p *pattern) dayBefore(day wall) (wall, bool) {
	date := dateOf(day)
	for end := date.AddDate(0, 0, -horizonDays); len(p.times) > 0 && date.After(end); {
		switch {
		case !p.inMonth(date):
			date = time.Date(date.Year(), date.Month(), 0, 0, 0, 0, 0, time.UTC)
		case p.onDay(date):
			return dayOf(date), true
		default:
			date = date.AddDate(0, 0, -1)
		}
	}
	return 0, false
}

// split returns the day, since 1970, and the minute of that day.
func split(w wall) (day, minute wall) {
	day = floorDiv(w, minutesADay)
	return day, w - day*minutesADay
}

func dateOf(day wall) time.Time { return time.Unix(int64(day)*24*60*60, 0).UTC() }
func dayOf(date time.Time) wall { return floorDiv(wall(date.Unix()), 24*60*60) }

// floorDiv is the division that rounds down, below zero too.
func floorDiv(a, b wall) wall {
	if a%b < 0 {
		return a/b - 1
	}
	return a / b
}

// floorMinute and ceilMinute return the minute at or before, and at or after, a second.
func floorMinute(second int64) wall { return floorDiv(wall(second), 60) }
func ceilMinute(second int64) wall  { return -floorDiv(-wall(second), 60) }
