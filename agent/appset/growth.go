package appset

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// growing tells of the functions that make much of little how much it would be at most,
// in bytes: beforehand, since no memory is left afterwards. An item of a list counts as
// if all items that there may be were all the bytes that there may be.
var growing = map[string]func(args []any) int{
	"print":    sum,
	"println":  sum,
	"printf":   formatted,
	"html":     sum,
	"js":       sum,
	"urlquery": sum,
	"cat":      sum,
	"quote":    sum,
	"squote":   sum,
	"repeat":   func(a []any) int { return times(number(a, 0), length(a, 1)) },
	"until":    func(a []any) int { return items(number(a, 0)) },
	"untilStep": func(a []any) int {
		return items((number(a, 1) - number(a, 0)) / max(1, abs(number(a, 2))))
	},
	"seq":                        sequence,
	"indent":                     indented,
	"nindent":                    indented,
	"wrap":                       func(a []any) int { return times(2, length(a, 1)) },
	"wrapWith":                   func(a []any) int { return times(length(a, 1)+1, length(a, 2)) },
	"join":                       func(a []any) int { return times(length(a, 0), entries(a, 1)) },
	"replace":                    func(a []any) int { return times(length(a, 1), length(a, 2)/max(1, length(a, 0))+1) + length(a, 2) },
	"regexReplaceAll":            replaced,
	"mustRegexReplaceAll":        replaced,
	"regexReplaceAllLiteral":     replaced,
	"mustRegexReplaceAllLiteral": replaced,
	"toString":                   sum,
	"toStrings":                  sum,
}

// many is over every limit, and may be added to and multiplied.
const many = 1 << 30

func times(a, b int) int {
	switch {
	case a <= 0 || b <= 0:
		return 0
	case a > many/b:
		return many
	}
	return a * b
}

func abs(n int) int { return max(n, -n) }

// items is what so many items count.
func items(n int) int { return times(abs(n), maxText/maxItems) }

// number is an argument as one, 0 if it is none.
func number(args []any, i int) int {
	if i >= len(args) {
		return 0
	}
	v := reflect.ValueOf(args[i])
	switch {
	case !v.IsValid():
		return 0
	case v.CanInt():
		return int(min(max(v.Int(), -many), many))
	case v.CanUint():
		return int(min(v.Uint(), many))
	case v.CanFloat():
		return int(min(max(v.Float(), -many), many))
	}
	return 0
}

// length is how long an argument is when it is printed.
func length(args []any, i int) int {
	if i >= len(args) {
		return 0
	}
	if text, ok := args[i].(string); ok {
		return len(text)
	}
	return printed(reflect.ValueOf(args[i]), 0)
}

// printed is about how long a value is when it is printed.
func printed(v reflect.Value, depth int) int {
	if !v.IsValid() || depth > maxDepth {
		return len(noValue)
	}
	n := 2
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		return printed(v.Elem(), depth)
	case reflect.String:
		return v.Len()
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			n += 1 + printed(v.Index(i), depth+1)
		}
	case reflect.Map:
		for each := v.MapRange(); each.Next(); {
			n += 2 + printed(each.Key(), depth+1) + printed(each.Value(), depth+1)
		}
	default:
		return 32
	}
	return min(n, many)
}

func sum(args []any) int {
	n := 0
	for i := range args {
		n = min(n+1+length(args, i), many)
	}
	return n
}

// entries is how many items an argument has.
func entries(args []any, i int) int {
	if i >= len(args) {
		return 0
	}
	switch v := reflect.ValueOf(args[i]); v.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		return v.Len()
	default:
		return 1
	}
}

func indented(args []any) int {
	if len(args) < 2 {
		return 0
	}
	text, _ := args[1].(string)
	return times(number(args, 0), strings.Count(text, "\n")+2) + len(text)
}

func replaced(args []any) int { return times(length(args, 1)+1, length(args, 2)+1) }

// sequence is the size of seq's text: of as many numbers as there are from the first
// argument to the last, in steps of the middle one.
func sequence(args []any) int {
	first, last, step := 1, number(args, len(args)-1), 1
	if len(args) > 1 {
		first = number(args, 0)
	}
	if len(args) > 2 {
		step = max(1, abs(number(args, 1)))
	}
	return items((last - first) / step)
}

// amounts are the widths and precisions of a format.
var amounts = regexp.MustCompile(`[0-9]+|\*`)

// formatted is the size of what printf makes: each verb may print any argument, in any
// width.
func formatted(args []any) int {
	if len(args) == 0 {
		return 0
	}
	format, _ := args[0].(string)
	widest := 0
	for i := 1; i < len(args); i++ {
		widest = max(widest, length(args, i))
	}
	n := len(format) + times(strings.Count(format, "%"), widest)
	for _, amount := range amounts.FindAllString(format, -1) {
		wide, err := strconv.Atoi(amount)
		if amount == "*" {
			wide = argumentWidth(args)
		} else if err != nil {
			return many
		}
		n = min(n+wide, many)
	}
	return n
}

// argumentWidth is the largest number among arguments, which a star may name.
func argumentWidth(args []any) int {
	widest := 0
	for i := range args {
		widest = max(widest, abs(number(args, i)))
	}
	return widest
}
