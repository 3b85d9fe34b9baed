using System.Diagnostics;
using Microsoft.ML.Reversible.Tokenizers;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

[TestClass]
public class SplitPatternTests
{
    [TestMethod]
    [DataRow(@"\p{L}+|\p{N}{1,3}", "ab 1234!", "ab| |123|4|!")]
    [DataRow(@"\p{L}+", "𝔸𝔹c😀𝟘", "𝔸𝔹c|😀𝟘")]
    [DataRow(@"[^\p{L}]+|\p{L}", "𝔸😀1𝟘𝔹", "𝔸|😀1𝟘|𝔹")]
    [DataRow(@".", "a😀b", "a|😀|b")]
    [DataRow(@"(?i:'s|'T)", "x'S'ſ't's", "x|'S|'ſ|'t|'s")]
    [DataRow(@"(?i:[k])", "aKk\u212Ab", "a|K|k|\u212A|b")]
    [DataRow(@"\p{^L}", "a1b", "a|1|b")]
    [DataRow(@"\P{L}", "a1b", "a|1|b")]
    [DataRow(@"a++", "aab", "aa|b")]
    [DataRow(@"(?=b)", "aabcb", "aa|bc|b")]
    [DataRow(@"[\uE000-\uFFFF一-龥]+|\n", "", "")]
    [DataRow(@"[!-/ａ-ｚ]+", "a!/b𝔸𝟘", "a|!/|b𝔸𝟘")]
    [DataRow(@"[𝔸-𝔹x]+|𝟘", "a𝔸x𝔻𝔹𝟘𝟙", "a|𝔸x|𝔻|𝔹|𝟘|𝟙")]
    [DataRow(@"[^𝔸\P{L}]+", "a𝔸b𝟘𝔹", "a|𝔸|b|𝟘|𝔹")]
    [DataRow(@"\w+", "aⒶ🅰1𝟘_-😀b", "aⒶ🅰1𝟘_|-😀|b")]
    [DataRow(@"\W|x\b", "x 🅰😀xy", "x| |🅰|😀|xy")]
    [DataRow(@"^a|b$", "aab\nab\nb", "a|a|b|\n|a|b|\n|b")]
    [DataRow(@"\p{Han}+", "a漢𠀀b", "a|漢𠀀|b")]
    public void TextIsCutByCodePoints(string expression, string text, string pieces)
    {
        if (expression.Contains("\\u")) expression = System.Text.RegularExpressions.Regex.Unescape(expression.Replace("\\n", "\n"));
        var cut = new SplitPattern(expression);

        Assert.AreEqual(pieces, string.Join('|', cut.PreTokenize(text).Select(piece => text.Substring(piece.Offset, piece.Length))));
    }

    [TestMethod]
    [DataRow(@"[\W]", @"\W in a class")]
    [DataRow(@"a\Z", @"\Z")]
    [DataRow(@"[[:alpha:]]", "[")]
    [DataRow(@"[a-z&&[^b]]", "&")]
    [DataRow(@"\p{Greek}", @"\p{Greek}")]
    [DataRow(@"\p{L", @"\p{L")]
    [DataRow(@"(?<name>a)", "(?<n")]
    [DataRow(@"(?i)a", "(?i)")]
    [DataRow(@"(?i:\p{Lu})", "ignores the case")]
    [DataRow(@"(?i:ss)", "may be one character")]
    [DataRow(@"(?i:[a-z])", "a-z")]
    [DataRow(@"(a)\1", @"\1")]
    [DataRow(@"a**", "*")]
    [DataRow(@"*a", "*")]
    [DataRow(@"a{2,1001}", "{")]
    [DataRow(@"(a", "')'")]
    [DataRow(@"a)", ")")]
    [DataRow(@"[a", "']'")]
    [DataRow("a\\", "\\")]
    [DataRow(@"(?i:𐐀)", "ignores the case")]
    [DataRow(@"(a+)+(?=b)", "exponential")]
    public void WhatIsMatchedOtherwiseIsRefusedByName(string expression, string reason) =>
        StringAssert.Contains(Assert.ThrowsExactly<FormatException>(() => new SplitPattern(expression)).Message, reason);

    [TestMethod]
    public void ALongOrDeepExpressionIsRefused()
    {
        Assert.ThrowsExactly<FormatException>(() => new SplitPattern(new string('a', 5000)));
        Assert.ThrowsExactly<FormatException>(() => new SplitPattern(new string('(', 1000) + new string(')', 1000)));
    }

    /// <summary>Engines that backtrack take time exponential in the length of such a text.</summary>
    [TestMethod]
    [DataRow("(a+)+b")]
    [DataRow("(?:a*a*)*b")]
    [DataRow("(?:a|a)+b")]
    public void ARepeatedRepetitionTakesTimeLinearInTheText(string expression)
    {
        var watch = Stopwatch.StartNew();

        Assert.HasCount(1, new SplitPattern(expression).PreTokenize(new string('a', 2000)).ToArray());

        Assert.IsLessThan(60, watch.Elapsed.TotalSeconds);
    }

    [TestMethod]
    public void ASequenceCutsThePiecesOfItsFirstPart()
    {
        var cut = new SplitSequence([new SplitPattern(@"\p{N}"), Gpt2PreTokenizer.Instance]);

        Assert.AreEqual("(0, 1) (1, 1) (2, 3)", string.Join(' ', cut.PreTokenize("\n\nilx")));
        Assert.AreEqual("(0, 1) (1, 1) (2, 2)", string.Join(' ', cut.PreTokenize("a1 b".AsSpan())));
    }
}
