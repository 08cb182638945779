package identity_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"barong/internal/identity"
	"barong/internal/long"
)

// isStrong reports whether a password with all character classes is accepted.
func isStrong(t *testing.T, password string) bool {
	t.Helper()
	violations := identity.CheckPassword(password)
	if len(violations) > 0 && violations[0].Message != tooWeak {
		t.Fatalf("%q: %q", password, messages(violations))
	}
	return violations == nil
}

func TestPasswordsAreJudgedAlikeInEveryScript(t *testing.T) {
	t.Parallel()
	for _, strong := range []string{
		"Анна Каренина 1877 роман", "Jäätelö5Mansikka8", "xK9mQ2vLéé7Ztp4Wq", "Пароль1ab", "xK9mQ2vLяя7Ztp4Wq", "xK9mQ2vLσσ7Ztp4Wq",
		"xK9mQ2vL\u0435\u0301\u0435\u03017Ztp", // a vowel and its accent, twice
		"Ελευθερία7 ή", "Aa1शब्दकोशघर", "مفتاح7الدارXz", "Aa7漢字仮名交文", "ПаРоЛь٣٤",
	} {
		if !isStrong(t, strong) {
			t.Errorf("%s is called weak", strong)
		}
	}
	for _, weak := range []string{
		"Aa1öööööööööö", "Aa1éééééééé", "Aa1яяяяяяяяяя", "Aa1漢漢漢漢漢漢漢", "Aa1e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301", "Aa1абвгдежзий", "Aa1ЙИЗЖЕДГВБ",
		"Aa1αβγδεζηθ", "Жя1Жя1Жя1Жя1", "Ｐａｓｓｗｏｒｄ１", "𝐏𝐚𝐬𝐬𝐰𝐨𝐫𝐝𝟏", "Password١٢٣", "Summer٢٠٢٤", "Aa1￥￥￥￥￥￥￥￥",
	} {
		if isStrong(t, weak) {
			t.Errorf("%s is called strong", weak)
		}
	}
}

// lettersByScript returns up to limit letters of each script, lower case or without case.
func lettersByScript(limit int) map[string][]rune {
	letters := map[string][]rune{}
	for script, table := range unicode.Scripts {
		for r := rune(unicode.MaxASCII + 1); r <= unicode.MaxRune && len(letters[script]) < limit; r++ {
			if unicode.Is(table, r) && unicode.IsLetter(r) && !unicode.IsUpper(r) && !unicode.IsTitle(r) {
				letters[script] = append(letters[script], r)
			}
		}
	}
	return letters
}

func TestADoubledLetterOfAnyScriptIsNoPatternAndOneHeldDownIsNoPassword(t *testing.T) {
	long.Test(t)
	t.Parallel()
	tried := 0
	for script, letters := range lettersByScript(6) {
		for _, r := range letters {
			for _, letter := range []string{string(r), string(unicode.ToUpper(r))} {
				if password := "xK9mQ2vL" + letter + letter + "7Ztp4Wq"; !isStrong(t, password) {
					t.Errorf("%s: the doubled %s makes %s weak", script, letter, password)
				}
				if password := "Aa1" + strings.Repeat(letter, 10); isStrong(t, password) {
					t.Errorf("%s: %s is called strong", script, password)
				}
				tried++
			}
		}
	}
	if tried < 1500 {
		t.Errorf("%d letters were tried", tried)
	}
}

func TestRandomLettersOfAnyScriptAreAsStrongAsThoseOfASCII(t *testing.T) {
	long.Test(t)
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	all := lettersByScript(50)
	made, weak := 0, 0
	for _, script := range slices.Sorted(maps.Keys(all)) {
		letters := all[script]
		if len(letters) < 20 {
			continue
		}
		for range 10 {
			password := []rune("A7z")
			for range 6 {
				password = append(password, letters[random.IntN(len(letters))])
			}
			made++
			if !isStrong(t, string(password)) {
				weak++
			}
		}
	}
	t.Logf("%d of %d are called weak", weak, made)
	if made < 800 || weak*100 > made {
		t.Errorf("%d of %d random passwords are called weak, more than 1 %%", weak, made)
	}
}

func TestDigitsOfEveryScriptHaveTheirValue(t *testing.T) {
	t.Parallel()
	for zero := rune(0x660); zero <= unicode.MaxRune; zero++ {
		if !unicode.IsDigit(zero) || unicode.IsDigit(zero-1) || utf8.RuneLen(zero) > 3 { // 72 bytes have room for the characters that follow
			continue
		}
		year := "Summer"
		for _, digit := range "2024" {
			year += string(zero + digit - '0')
		}
		if isStrong(t, year) {
			t.Errorf("%s is not read as the year 2024", year)
		}
	}
}

func TestNoPasswordOfAnyScriptTakesLongerThanTheWorstOfASCII(t *testing.T) {
	for name, password := range map[string]string{
		"one letter":       "Aa1" + strings.Repeat("я", 34),
		"two letters":      "Aa1" + strings.Repeat("яж", 17),
		"fullwidth l33t":   "Aa1" + strings.Repeat("４＠８（｛３６９１！｜", 2),
		"different":        "Aa1абвгдеёжзийклмнопрстуфхцчшщъыьэ",
		"a sequence twice": "Aa1абвгдежзийклмнопабвгдежзийклмноп",
		"marks":            "Aa1" + strings.Repeat("e\u0301\u0302", 13),
		"a long expansion": "Aa1" + strings.Repeat("\ufdfa", 23),
		"canonical":        "Aa1" + strings.Repeat("\U0001d160", 17), // three characters each in NFC
	} {
		if took := cpuTime(t, 200*time.Millisecond, func() { identity.CheckPassword(password) }); took > 200*time.Millisecond {
			t.Errorf("%s took %v", name, took)
		}
	}
}
