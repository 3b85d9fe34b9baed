using System.Buffers;
using System.Text.RegularExpressions;
using Microsoft.ML.Reversible.Tests.Models;
using Microsoft.ML.Reversible.Tokenizers;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

[TestClass]
public class TokenizerInstanceTests
{
    [TestMethod]
    public void AByteLevelInstanceIsWhatItsFilesAre()
    {
        LanguageModelTokenizer wrapped = LanguageModelTokenizer.Wrap(Gpt2.Tokenizer);
        LanguageModelTokenizer loaded = LanguageModelTokenizer.Load(TestData.Require("gpt2-tokenizer"));

        AssertSame(loaded, wrapped);
        foreach (string text in TokenizerSamples.All)
            Assert.AreEqual(loaded.CountBytes(loaded.Encode(text)), wrapped.CountBytes(wrapped.Encode(text)));
    }

    [TestMethod]
    public void ATiktokenInstanceTellsItsSizeByDecoding() =>
        AssertSame(LanguageModelTokenizer.Load(TestData.Require("gpt2-tokenizer")), WrapTiktoken());

    [TestMethod]
    [DataRow("llama-tokenizer/tokenizer.model")]
    [DataRow("stories260k/tok512.model")]
    public void ALlamaInstanceAddsNoSpecialTokens(string file)
    {
        using FileStream model = File.OpenRead(TestData.Require(file));
        LanguageModelTokenizer wrapped = LanguageModelTokenizer.Wrap(LlamaTokenizer.Create(model));
        LanguageModelTokenizer loaded = LanguageModelTokenizer.Load(TestData.Require(file));

        // Not compared: the text of a special token, whose letters the instance may merge as the package does, and spaces alone.
        foreach (string text in TokenizerSamples.All.Where(text => !text.Contains("<s>") && text.Trim(' ').Length > 0))
        {
            CollectionAssert.AreEqual(loaded.Encode(text), wrapped.Encode(text), text);
            Assert.AreEqual(loaded.Decode(loaded.Encode(text)), wrapped.Decode(wrapped.Encode(text)));
            Assert.AreEqual(loaded.CountBytes(loaded.Encode(text)), wrapped.CountBytes(wrapped.Encode(text)));
        }
        Assert.AreEqual((loaded.VocabularySize, 2, 1), (wrapped.VocabularySize, wrapped.EndOfTextId, wrapped.BeginOfTextId));
        Assert.AreEqual(" upon", wrapped.Decode(wrapped.Encode("upon"), continuation: true));
    }

    [TestMethod]
    public void AnInstanceCannotBeSavedAndSaysWhatToDo()
    {
        LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Wrap(Gpt2.Tokenizer);

        Assert.IsFalse(tokenizer.CanSave);
        var e = Assert.ThrowsExactly<NotSupportedException>(() => tokenizer.Save(Path.GetTempPath()));
        StringAssert.Contains(e.Message, "Give the path of its files");
    }

    [TestMethod]
    public void TheHashTellsInstancesApartAndStays()
    {
        string hash = LanguageModelTokenizer.Wrap(new Letters(), 0, vocabularySize: 30).Hash;

        Assert.AreEqual(hash, LanguageModelTokenizer.Wrap(new Letters(), 0, vocabularySize: 30).Hash);
        Assert.AreNotEqual(hash, LanguageModelTokenizer.Wrap(new Letters(), 29, vocabularySize: 30).Hash);
        Assert.AreNotEqual(hash, LanguageModelTokenizer.Wrap(new Letters(), 0, vocabularySize: 31).Hash);
        Assert.AreNotEqual(hash, LanguageModelTokenizer.Wrap(new Letters(1), 0, vocabularySize: 30).Hash);
    }

    [TestMethod]
    public void WhatCannotBeFoundIsAskedFor()
    {
        var size = Assert.ThrowsExactly<ArgumentException>(() => LanguageModelTokenizer.Wrap(new Letters(), 0));
        var end = Assert.ThrowsExactly<ArgumentException>(() => LanguageModelTokenizer.Wrap(new Letters(), vocabularySize: 30));
        Assert.AreEqual(("vocabularySize", "endOfTextId"), (size.ParamName, end.ParamName));
        Assert.ThrowsExactly<ArgumentNullException>(() => LanguageModelTokenizer.Wrap(null!));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => LanguageModelTokenizer.Wrap(new Letters(), 30, vocabularySize: 30));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => LanguageModelTokenizer.Wrap(new Letters(), 0, -1, vocabularySize: 30));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => LanguageModelTokenizer.Wrap(new Letters(), 0, vocabularySize: 0));
    }

    [TestMethod]
    public void ATokenizerThatAddsSpecialTokensIsRefused()
    {
        // 'a' has the id 1, so that every text seems to have a special token.
        var e = Assert.ThrowsExactly<ArgumentException>(() => LanguageModelTokenizer.Wrap(new Letters(), 1, vocabularySize: 30));
        StringAssert.Contains(e.Message, "around every text");
    }

    [TestMethod]
    public void AnIdBeyondTheSizeGivenIsNotPassedOn() =>
        Assert.ThrowsExactly<InvalidOperationException>(
            () => LanguageModelTokenizer.Wrap(new Letters(), 0, vocabularySize: 5).Encode("xyz"));

    [TestMethod]
    public void AMegabyteWithoutASpaceIsEncodedByAnInstanceToo()
    {
        LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Wrap(Gpt2.Tokenizer);
        string text = string.Concat(Enumerable.Repeat("x😀", 100_000)) + new string('a', 700_000);

        Assert.AreEqual(text, tokenizer.Decode(tokenizer.Encode(text)));
    }

    /// <summary>The package's tokenizers recognize special tokens anywhere in a text, which would then end its document.</summary>
    [TestMethod]
    public void SpecialTokensInATextAreTextLikeAnyOther()
    {
        LanguageModelTokenizer tokenizer = WrapTiktoken(special => new RegexPreTokenizer(new Regex(@"\w+|\s+|[^\w\s]+"), special));
        const string text = "one <|endoftext|><|endoftext|>|endoftext|> two";

        int[] ids = tokenizer.Encode(text);

        CollectionAssert.DoesNotContain(ids, tokenizer.EndOfTextId);
        Assert.AreEqual(text, tokenizer.Decode(ids));
        Assert.AreEqual(2, tokenizer.Encode(text, recognizeSpecial: true).Count(id => id == tokenizer.EndOfTextId));
    }

    internal static LanguageModelTokenizer WrapTiktoken(Func<Dictionary<string, int>, PreTokenizer>? cut = null)
    {
        using FileStream file = File.OpenRead(TestData.Require("gpt2-tokenizer/gpt2.tiktoken"));
        var special = new Dictionary<string, int> { ["<|endoftext|>"] = 50256 };
        PreTokenizer cutter = cut?.Invoke(special) ?? RobertaPreTokenizer.Instance;
        return LanguageModelTokenizer.Wrap(TiktokenTokenizer.Create(file, cutter, null, special));
    }

    private static void AssertSame(LanguageModelTokenizer expected, LanguageModelTokenizer actual)
    {
        Assert.AreEqual(
            (expected.VocabularySize, expected.EndOfTextId, expected.BeginOfTextId),
            (actual.VocabularySize, actual.EndOfTextId, actual.BeginOfTextId));
        foreach (string text in TokenizerSamples.All)
        {
            CollectionAssert.AreEqual(expected.Encode(text), actual.Encode(text), text);
            Assert.AreEqual(text, actual.Decode(actual.Encode(text)));
        }
    }

    /// <summary>Encodes lower-case letters by their place in the alphabet, from 1, and everything else as one id.</summary>
    private sealed class Letters(int shift = 0) : Tokenizer
    {
        private const int Other = 27;

        protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
        {
            string source = text ?? textSpan.ToString();
            var tokens = source.Select((c, i) => new EncodedToken(char.IsAsciiLetterLower(c) ? c - 'a' + 1 : Other, $"{c}", i..(i + 1)));
            return new EncodeResults<EncodedToken> { Tokens = [.. tokens], CharsConsumed = source.Length };
        }

        public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
        {
            (idsConsumed, charsWritten) = (0, 0);
            foreach (int id in ids)
            {
                if (charsWritten == destination.Length) return OperationStatus.DestinationTooSmall;
                destination[charsWritten++] = id is > 0 and < Other ? (char)('a' + (id - 1 + shift) % 26) : '.';
                idsConsumed++;
            }
            return OperationStatus.Done;
        }
    }
}
