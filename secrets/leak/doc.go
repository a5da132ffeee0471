// Package leak finds values of secrets where they must not be: in objects that
// are no Secrets, and in texts for people. It is the gate of DESIGN.md D4.
//
// A [Secret] knows a value again without holding it: by keyed hashes of the ways
// in which it may be written. A [Gate] looks for many at once in a set of
// objects, in one pass over each text whatever their number. A [Known] takes the
// values of all live Applications out of texts.
//
// What a message says of a find is where it was, and which key of which file or
// object it came from; never the value, nor its length.
package leak
