using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Packages.Tokenizers;

[TestClass]
public class Gpt2EncodingTests
{
    private const string Gpt2Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    [TestMethod]
    [DataRow("Hello world", new[] { 15496, 995 })]
    [DataRow(" leading", new[] { 3756 })]
    [DataRow(" ", new[] { 220 })]
    [DataRow("Hello, world! It's 2024; we've, they'll, I'd, DON'T.", new[]
    {
        15496, 11, 995, 0, 632, 338, 48609, 26, 356, 1053, 11, 484, 1183, 11, 314, 1549, 11, 23917, 6, 51, 13,
    })]
    [DataRow("emoji 😀👍🏽 done", new[] { 368, 31370, 30325, 222, 41840, 235, 8582, 237, 121, 1760 })]
    [DataRow("日本語と中文", new[] { 33768, 98, 17312, 105, 45739, 252, 30201, 40792, 23877, 229 })]
    [DataRow("line one\nline two\r\n\n  indented", new[] { 1370, 530, 198, 1370, 734, 201, 628, 220, 773, 4714 })]
    [DataRow("a   b    c  ", new[] { 64, 220, 220, 275, 220, 220, 220, 269, 220, 220 })]
    [DataRow("\t\ttabs", new[] { 197, 197, 8658, 82 })]
    [DataRow("naïve café ÅÄÖ", new[] { 2616, 38776, 40304, 6184, 227, 127, 226, 127, 244 })]
    [DataRow("1234567890", new[] { 10163, 2231, 30924, 3829 })]
    [DataRow("<|endoftext|>", new[] { 27, 91, 437, 1659, 5239, 91, 29 })]
    public void GivesTheReferenceIdsAndReadsThemBack(string text, int[] expected)
    {
        CollectionAssert.AreEqual(expected, Gpt2.Tokenizer.EncodeToIds(text).ToArray());
        CollectionAssert.AreEqual(expected, Gpt2.Tokenizer.EncodeToIds(text.AsSpan()).ToArray());
        Assert.AreEqual(expected.Length, Gpt2.Tokenizer.CountTokens(text));
        Assert.AreEqual(text, Gpt2.Tokenizer.Decode(expected));
    }

    [TestMethod]
    public void ARegexPreTokenizerWithGpt2sPatternGivesTheSameIdsAsTheRobertaOne()
    {
        var tokenizer = Gpt2.Create(null, new RegexPreTokenizer(new Regex(Gpt2Pattern), null));

        const string text = "We'll see:  42 birds,\n\nsaid Zoë — twice…";
        CollectionAssert.AreEqual(Gpt2.Tokenizer.EncodeToIds(text).ToArray(), tokenizer.EncodeToIds(text).ToArray());
    }

    [TestMethod]
    public void TinyShakespeareHasTheTokensThatEveryGpt2TokenizerFinds()
    {
        var text = File.ReadAllText(TestData.Require("tinyshakespeare/input.txt"));

        var ids = Gpt2.Tokenizer.EncodeToIds(text);

        Assert.AreEqual(338025, ids.Count);
        Assert.AreEqual(703527866670L, ids.Select((id, index) => (index % 1000 + 1L) * id).Sum(), "a position-weighted sum of the ids");
        Assert.AreEqual(text, Gpt2.Tokenizer.Decode(ids));
    }

    [TestMethod]
    public void RandomUnicodeReadsBackUnchanged()
    {
        var random = new Random(20);
        for (var round = 0; round < 300; round++)
        {
            var text = RandomText.Next(random, 60);
            Assert.AreEqual(text, Gpt2.Tokenizer.Decode(Gpt2.Tokenizer.EncodeToIds(text)));
        }
    }

    [TestMethod]
    public void AMegabyteOnOneLineIsEncodedWhole()
    {
        var text = string.Concat(Enumerable.Repeat("Hello world ", 90_000));

        var ids = Gpt2.Tokenizer.EncodeToIds(text);

        // "Hello", then " world" and " Hello" by turns, then the last space alone.
        Assert.HasCount(2 * 90_000 + 1, ids);
        CollectionAssert.AreEqual(new[] { 15496, 995, 18435, 995 }, ids.Take(4).ToArray());
    }

    [TestMethod]
    public void TokensCarryTheirByteAlphabetFormAndTheirPlaceInTheText()
    {
        var tokens = Gpt2.Tokenizer.EncodeToTokens("Hello world", out var normalizedText);

        Assert.IsNull(normalizedText);
        CollectionAssert.AreEqual(
            new[] { new EncodedToken(15496, "Hello", ..5), new EncodedToken(995, "Ġworld", 5..11) }, tokens.ToArray());
    }
}
