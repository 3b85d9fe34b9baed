using System.IO.Compression;
using System.Text;

namespace Microsoft.ML.Reversible.Tokenizers;

/// <summary>Normalizes text to Unicode's forms C and D: the normalizers NFC and NFD of tokenizer.json.</summary>
/// <remarks>
/// <see cref="string.Normalize()"/> returns text unchanged in the invariant globalization mode, and follows the version of the machine's
/// ICU otherwise; here the same text has the same form everywhere. The algorithm is that of Unicode Standard Annex 15, the data those of
/// Unicode 14.
/// </remarks>
internal static class FormC
{
    private const int HangulFirst = 0xAC00, LeadFirst = 0x1100, VowelFirst = 0x1161, TrailBefore = 0x11A7;
    private const int Leads = 19, Vowels = 21, Trails = 28, Syllables = Leads * Vowels * Trails;

    // Canonical decompositions, then ranges of combining classes, as compressed numbers of seven bits a byte, the lowest bits first.
    private const string Data = """
        vVoJdJXVtT57//+9Nzc3uRkgEEYpoCC1KiJi0QjiUJXaOvXRarXq6tP2qRF9PrFWnzGBGEImASMgc5kMEBACxkgwTBEjMgQIEG4AIVxDVBIGAwrGfvuc/4bkFvCt51pd
        K+fsM+yzz57P/i9kx5YRp1JKFLHiVi0SzWa2BxPbd7daB15ETOs5c6SXmF3h5y2Oigk7F21xLP077mFWfuJnPcRDFfEQ24G3GnjD3c6cHRjZFiYpgRYnxYSdD+EPc+Ag
        h147Zx4RhjfUoXenQ4/D9sP4GnIzFOF1ztwlkDlpuLP3awcOFOjiGxLOt27/K8+R5u5ftjsfPu5JCOPprrD961rPIUPcBWQIl32woxuH/xuUsw77cPS58Tkee/Lvugv0
        8wCN242f7Gb2r3LODgiDmykkrMuBHRzY0SjvWYep0S50jLbG5Zi2FI6otwY5tAZdb2CT61cG9UkgrLQw2BIBtd6WYM71J4NWSNzaV4i7OPBr7tpWMYOsi88HhM1/+SPz
        W/q1ddIRAwR6+G7HcQY5TneQbjODmx3OPmW3GTS7XUbEhR69lc0qJ5KgLtWbKMF1tZpGkeqM18PVhP1KnyK13Ee8CgO2dWOO0g2hhjZMdebHEG6JGCdGmzXbab2x18vZ
        82HPnHFxPKDyX8HpYkIVy2xF29zJ7+K+QLKg5A5RPk5QPcBeR3b5zuHcDpxBLTiJ/Hi8yHIXl1KccZ7hqrW+LB5oGVjOtpF6jKXCwtzT1oUHOOs72PGaU+ycuD8Mc4ij
        0UEuc8I407vMxZ78aJOPhokFAG+nKcT5WOI+Ko57qiqbF3m3+iI4Fufc0DwCBCdMi3SajKEpilBP81IeLentmlgaPtDk0M7qAUrnFKgiSvWiW1rOWtRd1RMX20W2xeqq
        1ocG8QFaydfxX/obyeiaV0CgmV7i49RMHvaLWRhbfWCmy17j01RJIcwc4nkclBnC1Q1vc/U7zFTpWuqJpPbKhYtDLZoGWpH0+BicUjZRKiUK515KIxVPw5LPh/4MF4CF
        Awlc9vOcK1i72Llmw2Uu5/v02NJuJUy6VamLX396xqOONW9wbOIE8hAnDivoT2awgaPOjzGkXdt0FOA/ODKzge9Yv29r73TP/WZngyeUBpwMlOQOu8NJo0NucqDfwXOi
        eRM9bAYfh3ys5TFwuEvqYuDEUUnmzp2jHnQwHG9MGhGWTp27kwZdQF5PKH2OaMtUoQRja8G/tVRb0i1Z3CG5NcTUmy85TCXd3xZjszXIYEQ6wZT6gjOY9pK6OH8tT01i
        2ywftEYYCuw38F3bG/bg3hb2GDkCDqELaChkRWc/yRv20Duc9ZIMdy+83zZZMMt2ufiMHeJ/gIFrW56l0HXxDvQZePZFJ6hKQwMKwXgH+gwsedFtBu//bXDbS0K0Ksi6
        +GVTRzm09/8tpIVr2z6jIZIVP8b30hCpPS/8CN801MC3XWF3nLRj/m8nF7tCNrz9fIJ7uDGqh8mw05/p09ZrkXAciZ952KAcvSDK/BDKyrYoFp96prfZSU8O21kX2qm8
        INkJyQ7Z2ck/gbklISqrL0jlRIhK6r9wmRziMnznjdBO/gXIMu9Kfoi5LrkPm9dAlmeEmCm8IDMNIZTmi6CkEeEpkAJAwRXaAyDMOwAgC/cA6EwcDYDqC9WJVPe1T2c6
        h/+/raf6aecf/4nnzyS/Cr1YohfRw/fJWPNCsZFIaJkjEeGfjHQQlIcUKs0OmRjeY/GsKGBM+jswvpUzcTgTj5XpcubzkWOhyU7E3aEmvBFdRUtbZdF8B8lN40aOMnR7
        gu5/W3zfaDLaeGzUufu6wdLPqVanjoVORWEX71fPy8xmxB9N/Ta81eFfEF/WF0d8fUiV+Eh9EmVx8SvCyuFknfTxQQOOq4Xjxc8Jx5cSDwbHiOZrgaaO+Cw19VVUn3NZ
        LX/OVh9GkzpJz3J+GnWSJNsO7RJ+ySk1LTUQ1nCBrhRNiXy1rgm68JWY+3VtIHVBR34rQ+rZjeh9qLeIZ2WQU5Bu0iMJg84OdGvocaCla6Bz6734OmXEZk2hPz/sjPs6
        54a2sfaNat5A3L0shna1V42RHEhYu4LCC5qLNbk4ND5XkLnpYrAj/5Ui8Xyj/O2q/h2XWTye2ohtI4RT8yyV/zVqvvlvwbCLZqBLiyD19ShSpfArFexA6mgh9mH+tyYD
        phzE6oRj6FJjSAV6AuVeUsW94QGdSTW5SJ21SRV2JzV5CpCWRWHBTyoTcPXNpKqvJZWDQzWLQSvYjtT0R4DdldSce0gd/BOpd9KwsfIuUutHYAMnVwiZ6a/gWCdS787F
        ZMrPSM3DZA54mwNGc8fgyEFwvRk3b/oVsBNJfQeahaBfBM4yMV+Eg/PAVfql2IsllY+vp70ic9AitRYLlUBquhHtF6S2/QYq+BibFVgs/h9Sq4Dw/vWktuLaxt+Squ8L
        /ZwGwkRwePA6MAdl1OP6MiDlAS54lNSxbPB1fCWwakrQXUJq5izA9TgSBN0MCHnk56Q+ny1cgN3TkmbHnkAXAMUqXFl/N/hCxL4nQbjxbXSn5qDbMQTc3E6q+WXYrRvm
        0GGpaGZlPKlyLObBndeC1f1/J/VVLja2ZInVLoOKXsMVCN1MqOlr0WwT9FAG2PggdAdL5kGp5VDwd13wBXlGtA2THmwPQRJgTSweh+i7odT054GE+6rBZzKpw0shbJUY
        EWtVcufedeiKYfcDgEW4Znw/XAEzpSBdpILaDpxs8sK/BpNqANX6K8Af8A/jo0lNQisCcv5IeBb8YivUsGYJKO2GdrNEhT2gz2Gk3uxFatZ4bBRgIQCLzwPmepBdBCMe
        Fc8A2d2AAYg8GvuiwZkw+uTZWCxfgFkWjJUBERfvwmTFnbAeji/AMbFMERymMg4MwX51gCfBbcqV2IOvjK0FwqbV6D7JAbHa+6FHTKZCuJVQWzXgTMA5EKoCapn6DKz9
        DhBTb4HnbAPmZAmpwABQw0rKGKyUCrXjbogBXR+ALzaPw8IHbwJvEwRbBNMEYMcmaKHIZVx5LXynGHuFWF8EbmGcKihlESTaIGw14doP/gsaexHmRb5ffxskgubqYOo8
        SJobwA118MgSmO8DECvAvBbE/4EH4jPYoBmHlxzH4lfC8ymx638inK8xxk//CwwgrC+DS26H1+WI2mrAfiqCIQ3CNQjBufDplHgLnsCq6HpLLbwPOpVjZTBmLdi4FamQ
        8HmschDTS3Bls49VQSdWm9pZKgWqzLRsVXuJVBvq9zgLhS4E8WUd4QNTJdIk+kHvNDjHXdUYTgLZSgk5tKXQ0FbZxiXQzCZwvgBe8GsEFlZL4JPzQGQfWh0wa+Eo5Wxi
        Wah8h/FRrO+DB1RjDNWRFDwqSnMNBxL7i2mx3IxDddAb/B3ee9A2pMWDJ5lMugrD4+A/S2LGpbGKYHLIHECciPtXQchiHHyJ1Lj94hFjkWAWpvktdWiL5EPcOVniGoQy
        0WDZHNB5AkyDgERfBppERSOYXwYozo4AmSrRA7F3+DXfM9lgVmH5K0DxNWHqITgtwGgJFTC2FPBpYAJrlW0UE6EvLY81Eue4jQSwTqHo2DKOfxxOdShBigN4IRkeC1gL
        ut6S3xlUFWZ4Dq4xCRpKnwQqFZBoOjabsFkGvGWAE3E0B+MpMFQJm8SbJ9KTlqsS6EhIf9B8AhVhMolMAJ/F9ADYPWmbF6IEVLLA92ZJu2iZoHYHqURtxULEx0RYJjAb
        hsV4NiK94QB03wTDI2ZmbsTJHBg2XdQ2oxlc5NOtdCRof7JQfnBx+yiuPYk3UNlOD5nRsZ2eBDOC2lp+MGrbmOzzroXWw2HbdrmLyBNF1F7/+LSpH9cXRDQtjJASIQb1
        ehoqUq7WFflUmwsiCiPkB6YG5lpXufw23w4bnc+i1rVqLUH63s2no1P98xqZ1h9w1R9wmVv88Y4ULW0EFaHkM2zEGyifiazKNtnq++wo+WxQUOfaT2G2tI/RTSUdwDlk
        UuVNZuUqJEYEQXE59Llne7T2TVgVCa1iM2Yb1mAeeF5H61lZ+EI6kFkCE5X59BU7UtBt/wFmQgb7+AXzbnfQqQIhsQ6T2he1yyE3XKF3jOv9WYdxvPbB9hpB6b/qalxx
        KggRPn1eh3LGPiw01ETrmMdcHrxPjfcNJYUL5SlBeZNu1oZpKv10OsYFKD0WwBFngP5stHFwQqTLPWB3MzLlR7aWDSxI+bOZdXaRiGlsxH2HGqK1EKDRVxNLkTD9JtoE
        6JkTGDyiHXiaPD443JBNWg2T8kzggpGJ3wFr7OlozVJ3jV1xFrP3zhptS1x9DsHWSNJYPcGcn2MyfeEYIKxJRVcuXcPrfh1jUF6FdgR1OF8ulvrkPzR96Dxbwm/tHERO
        tnR1MnXrP4iQNwH6nj8eXTDPr9nbPxr3l0r6wWSFpLaDX+DY+lUYNYw1BsqVeuWodE9oU+HByMPl2SL1DVCVwJTJkhknoUs1SQqKhar/qK+9Qz66xPKP6GmENlcHo0Ux
        HgwiNd1pya7TZqB7XeoN0i6zVkqhmaGNDzAbROobKbqa5Gg/7crDUSTLrHwhOtQJqwqA+9kCdAXgowYc7Zc017gY3ZuSKFGSBB7UWqn6HbxWMhZe0/lSA57N0ulCnO1l
        +cBUB94DnROfQysHJaEfEYYsrYutS7BTKl0NFuux+PUKKV6l9BS+JdjOSiEgKLnSjflQngdRbtZKTOeuQDdOphule1BLjANzPsR6GsJmH57kXSUShBKJ337k1+4h3i8P
        5j069z6lB911XC5bDYztgtYEbv4XmtJPcDk65OyJ8uQvWYeuXnLzR+YBzRUoCXmg9q6x4lt1FcbaPu3GjdugjI+2oFslRXS2UJi+UcSRvNFZc924WWSUDiYpqwRcDQ6W
        ywD+Wrpd3lLp9mw3vja9ylivn3YJeU1qZGW8mH1OQLx9L7oFNejWyXTfUjjqtEJ0s4OYXmne9Nw1sTqkdu+V5/8Lv47f32j/erfOr3WpdHDMklprjphprHQzxTqbcXZa
        A7BeMZG9TR789J1YnXECqxnf+PXRL08CFksBJp9gs6X0bK/TQrV8YFWZxHVMXqRdh7BXGQSBT37wa+9aJ3pddgQrewXhUB2meUf0rzrip1mZ8KoNGejWyWLWl6Rfd8lk
        s6QsqDsTq/17r8CUZnSl2UDOyEW3TT59xEwIpIIJMabqGCODvLfQNUxEt0/S/4TVGJWccF7lBhkEpTB4UyK6dnmsdql1UqIh1leUR2vGi2DSw4uk+JXI9Olsuv0j8Wfp
        bK0CFJKLZoH2YunwikjgTJTvHfmEYF1SyifIG8A+ag4hPRfNcr7YFgJj+3Tk4awfzCayQF0JNj/9QGSYj27a/DgdijPfBVwLlM8WY1AhqTpRy20bw91siif5cAWQb710
        kzxq0qViyWD9UuQK3DyWtXwZxaA/Y2WMzsHbpBTJHIfu+63yeZwLReAJVlsq4rRSluViItqSAigfbj1vTYxEY4x+0YrIuEdjOeY7A9g+VgeF4fsQKSXwJYYTZC7VblF1
        jObrvZ1iEtJslezGeK50JRBnNWunfR973yEYUchX7MdWzR50Xy7Bznp5/lJkbVYOWCtZLhKLTx48LAV3HTYKwMKu6fH6xdqxAvs7GrG6ZC5WNs5H99bxGO2z+JCa0hQj
        aU9uWAnEr95Hd9boDhXw/mK5sBRHPkwBrYBt6vGaMtZeeXKNKDQbOwu3AGfKVnTjgSNKX5grUbBBvvSkao3Uem6ve3x+Z74T28wp7oQgJRBCwg6QLZAQ/K4AubiCWNYE
        +gLkc5FLphFBiiAUL4SgsgJkWUGy2IGaBNaFDNZYjxFTXI9xKxgdpJnsChK+z5AR7CBOAQoF2ocTGLuD5HYHyC3/fCdzDWWv1txMkUQ+IhR90ajMiGKIYoniSH6cb8eE
        IhQ1ZwemjkyJRJ0MJ8JR/J1agO5ElxD16E9diLoSdaPQCtHPiHrq+0QCMOlquT+AC3o94QmSN8QyifDC9jmU3tT7Euc2as296ErWW/QSkjjgSHQeiHOzCfd5nMVIwE64
        2+XFGIdtsHc1CA8JGQN7VwrLYj9/EFoJYyJ0qWYmJLrVSgBH5pvJEwcpW/HxV73SHys36dGzrXpEvzOKoAeIHnpCj5PZG0/eV2XwJJPXbz81kl/Ug5fvwTXdtDmk7abr
        CbUGpWI8mtx2KrllrPn1ChgKtOfIw+x9AKOtLjD8voe9Pcg7HTf7wNMmcQyUe/tadBcIDe4gb0KEUV1/UU0rr9LShlva1rLGkrdPSHoYIIm9N+ITg723kWeyKMwmJ0iC
        JkiAyx54ZAC2wi6WN7YoPGRAPa/HwSrHyng3Lg3SpTpaag0uVTsSHGnjCdv0RYy7QNzSPufW95zzJe1bLcz80BFMQiHex3oEqcLWZGtNYIqS+AA9xRFVX8opV2SQ+oHg
        fWj50Phl5EW56u0aH6Th8JO+5H2UPNHkbRRkdoQSDjza84M0kLyncOA9GKNzqluk9QT05hYR+5Bwl09Q79vRZHz/cs2zZttF3nkhIVfbkO4NofyOjpLW0QGxBoZFxxrc
        2Y+8MeQdTF5o+XbgD2DvUPLcTd5I8jylV5ejAfFe9sAZO4G5SHBSSeLcnkRQ+rPGQrYV8Bp5R+nBC+RFbpJRGrzOTR5U13A+bzvy3geOLfLi+ROHvJ+8e6ZAiqGgXOZl
        dyGKd/r4ct4t/9/DTahVXLspOiKgr3VBqh6QcZJ40OouOBIRF6R2AkWVwMhkTJpFRzcBr9YHRb4gqZA8/wQ=
        """;

    private static readonly Lazy<Tables> _tables = new(Read);

    /// <summary>Returns the text in form C; the same object if all its characters are before the combining marks.</summary>
    /// <param name="text">Well-formed text.</param>
    public static string Normalize(string text)
    {
        // All characters before the combining marks are in form C and do not combine with the character before them.
        if (text.AsSpan().IndexOfAnyExceptInRange('\0', '\u02FF') < 0) return text;

        List<int> points = Decomposed(text);
        Compose(points);
        return Write(points);
    }

    /// <summary>Returns the text in Unicode's form D, in which no character is composed.</summary>
    /// <param name="text">Well-formed text.</param>
    public static string Decompose(string text) =>
        text.AsSpan().IndexOfAnyExceptInRange('\0', '\u00BF') < 0 ? text : Write(Decomposed(text));

    private static List<int> Decomposed(string text)
    {
        var points = new List<int>(text.Length);
        foreach (Rune rune in text.EnumerateRunes()) Decompose(rune.Value, points);
        SortMarks(points);
        return points;
    }

    private static string Write(List<int> points)
    {
        var written = new StringBuilder(points.Count);
        Span<char> units = stackalloc char[2];
        foreach (int point in points) written.Append(units[..new Rune(point).EncodeToUtf16(units)]);
        return written.ToString();
    }

    private static void Decompose(int point, List<int> points)
    {
        if (point - HangulFirst is >= 0 and < Syllables and var syllable)
        {
            points.Add(LeadFirst + syllable / (Vowels * Trails));
            points.Add(VowelFirst + syllable / Trails % Vowels);
            if (syllable % Trails > 0) points.Add(TrailBefore + syllable % Trails);
        }
        else if (_tables.Value.Parts.TryGetValue(point, out var parts))
        {
            Decompose(parts.First, points);
            if (parts.Second >= 0) Decompose(parts.Second, points);
        }
        else
        {
            points.Add(point);
        }
    }

    /// <summary>Sorts every run of marks by combining class; marks of one class keep their order.</summary>
    private static void SortMarks(List<int> points)
    {
        for (int i = 0; i < points.Count; i++)
        {
            if (ClassOf(points[i]) == 0) continue;
            int end = i + 1;
            while (end < points.Count && ClassOf(points[end]) > 0) end++;
            if (end - i > 1)
            {
                int[] sorted = [.. points[i..end].OrderBy(ClassOf)];
                for (int k = 0; k < sorted.Length; k++) points[i + k] = sorted[k];
            }
            i = end;
        }
    }

    private static void Compose(List<int> points)
    {
        // A mark combines with the last starter unless one of its class or a greater one stands between.
        (int starter, int lastClass, int kept) = (-1, -1, 0);
        foreach (int point in points.ToArray())
        {
            int mark = ClassOf(point);
            if (starter >= 0 && lastClass < mark && Pair(points[starter], point) is >= 0 and var composite)
            {
                points[starter] = composite;
                continue;
            }
            if (mark == 0) (starter, lastClass) = (kept, -1);
            else lastClass = mark;
            points[kept++] = point;
        }
        points.RemoveRange(kept, points.Count - kept);
    }

    /// <summary>Returns the composite of two code points; negative if there is none.</summary>
    private static int Pair(int first, int second)
    {
        if (first - LeadFirst is >= 0 and < Leads and var lead && second - VowelFirst is >= 0 and < Vowels and var vowel)
            return HangulFirst + (lead * Vowels + vowel) * Trails;
        if (first - HangulFirst is >= 0 and < Syllables and var syllable && syllable % Trails == 0
            && second - TrailBefore is > 0 and < Trails and var trail)
            return first + trail;
        return _tables.Value.Composites.GetValueOrDefault((first, second), -1);
    }

    private static int ClassOf(int point) => point < 0x300 ? 0 : _tables.Value.Classes.GetValueOrDefault(point);

    private static Tables Read()
    {
        using var stream = new DeflateStream(new MemoryStream(Convert.FromBase64String(Data)), CompressionMode.Decompress);
        var tables = new Tables([], [], []);
        (int point, int first, int second) = (0, 0, 0);
        for (int left = Number(); left > 0; left--)
        {
            point += Number();
            int kind = Number();
            first += Signed();
            if (kind > 0) second += Signed();
            tables.Parts.Add(point, (first, kind > 0 ? second : -1));
            if (kind == 2) tables.Composites.Add((first, second), point);
        }
        point = 0;
        for (int left = Number(); left > 0; left--)
        {
            point += Number();
            int count = Number();
            byte mark = (byte)Number();
            for (int i = 0; i < count; i++) tables.Classes.Add(point + i, mark);
        }
        return tables;

        int Number()
        {
            (int number, int shift) = (0, 0);
            for (; ; shift += 7)
            {
                int read = stream.ReadByte();
                number |= (read & 127) << shift;
                if (read < 128) return number;
            }
        }

        int Signed() => Number() is var number && number % 2 == 0 ? number / 2 : -(number + 1) / 2;
    }

    /// <summary>What code points decompose to, which pairs compose, and the combining classes that are not 0.</summary>
    private sealed record Tables(
        Dictionary<int, (int First, int Second)> Parts, Dictionary<(int First, int Second), int> Composites, Dictionary<int, byte> Classes);
}
