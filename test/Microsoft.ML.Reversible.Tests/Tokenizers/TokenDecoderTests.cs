using System.Text;
using Microsoft.ML.Reversible.Tests.Models;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

[TestClass]
public class TokenDecoderTests
{
    private static IEnumerable<LanguageModelTokenizer> Tokenizers =>
    [
        LanguageModelTokenizer.Learn(["naïve 猫 😀 <ab>"], TextTokenization.Character, 0),
        LanguageModelTokenizer.Learn([], TextTokenization.Byte, 0),
        LanguageModelTokenizer.Load(TestData.Require("gpt2-tokenizer/gpt2.tiktoken")),
        LanguageModelTokenizer.Load(TestData.Require("stories260k/tok512.model")),
        LanguageModelTokenizer.Load(TestData.Require("llama-tokenizer/tokenizer.model")),
    ];

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void TheTextOfRandomIdsIsThatOfAllTogether(bool continuation)
    {
        var random = new Random(3);
        foreach (LanguageModelTokenizer tokenizer in Tokenizers)
            for (int round = 0; round < 300; round++)
            {
                // Half of the ids are among the first, where bytes and special tokens are.
                int[] ids = [.. Enumerable.Range(0, random.Next(12)).Select(
                    _ => random.Next(random.Next(2) == 0 ? tokenizer.VocabularySize : Math.Min(260, tokenizer.VocabularySize)))];
                Assert.AreEqual(tokenizer.Decode(ids, continuation), Streamed(tokenizer, ids, continuation), string.Join(' ', ids));
            }
    }

    [TestMethod]
    public void ACharacterComesOutWithItsLastByte()
    {
        TokenDecoder decoder = LanguageModelTokenizer.Learn([], TextTokenization.Byte, 0).CreateDecoder();

        string[] pieces = [.. "a😀"u8.ToArray().Select(value => decoder.Append(value)), decoder.Append(0xE7), decoder.Finish()];

        CollectionAssert.AreEqual(new[] { "a", "", "", "", "😀", "", "\uFFFD" }, pieces);
    }

    [TestMethod]
    public void ASpaceInsideTheTextIsKept()
    {
        LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Load(TestData.Require("llama-tokenizer/tokenizer.model"));
        int[] ids = tokenizer.Encode("two words");

        TokenDecoder decoder = tokenizer.CreateDecoder();
        Assert.AreEqual("two| words", string.Join('|', ids.Select(decoder.Append)));
        Assert.AreEqual(" two words", Streamed(tokenizer, ids, continuation: true));
    }

    [TestMethod]
    public void AnInstanceWhoseTokensAreNotKnownStreamsItsTextToo()
    {
        LanguageModelTokenizer tokenizer = TokenizerInstanceTests.WrapTiktoken();
        foreach (string text in TokenizerSamples.All)
        {
            int[] ids = tokenizer.Encode(text);
            Assert.AreEqual(text, Streamed(tokenizer, ids, continuation: false));
            Assert.AreEqual(Encoding.UTF8.GetByteCount(text), tokenizer.CountBytes(ids));
        }
    }

    [TestMethod]
    public void AnIdOutsideTheVocabularyIsRefused()
    {
        foreach (LanguageModelTokenizer tokenizer in Tokenizers.Append(LanguageModelTokenizer.Wrap(Gpt2.Tokenizer)))
            foreach (int id in new[] { -1, tokenizer.VocabularySize, int.MaxValue })
            {
                Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => tokenizer.CreateDecoder().Append(id));
                Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => tokenizer.Decode([id]));
                Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => tokenizer.CountBytes([id]));
            }
    }

    private static string Streamed(LanguageModelTokenizer tokenizer, int[] ids, bool continuation)
    {
        TokenDecoder decoder = tokenizer.CreateDecoder(continuation);
        return string.Concat(ids.Select(decoder.Append)) + decoder.Finish();
    }
}
