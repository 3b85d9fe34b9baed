using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

[TestClass]
public class LanguageModelTokenizerTests
{
    private const string Sample = "The cat sat on the mat. The cat — naïve — sat again: 猫 😀.\n";

    [TestMethod]
    [DataRow(TextTokenization.Byte)]
    [DataRow(TextTokenization.Bpe)]
    public void RandomUnicodeReadsBackUnchanged(TextTokenization tokenization)
    {
        var tokenizer = Learn(tokenization);
        var random = new Random(11);
        for (int round = 0; round < 300; round++)
        {
            string text = RandomText.Next(random, 80);
            int[] ids = tokenizer.Encode(text);
            Assert.AreEqual(text, tokenizer.Decode(ids));
            Assert.AreEqual(System.Text.Encoding.UTF8.GetByteCount(text), tokenizer.CountBytes(ids));
        }
    }

    [TestMethod]
    [DataRow(TextTokenization.Character)]
    [DataRow(TextTokenization.Byte)]
    [DataRow(TextTokenization.Bpe)]
    public void TheTrainingTextReadsBackUnchanged(TextTokenization tokenization)
    {
        var tokenizer = Learn(tokenization);

        int[] ids = tokenizer.Encode(Sample.AsSpan());

        Assert.AreEqual(Sample, tokenizer.Decode(ids));
        Assert.AreEqual(System.Text.Encoding.UTF8.GetByteCount(Sample), tokenizer.CountBytes(ids));
        Assert.IsTrue(ids.All(id => id >= 0 && id < tokenizer.VocabularySize));
        Assert.AreEqual(tokenization, tokenizer.Kind);
    }

    [TestMethod]
    public void CharactersTakeIdsInCodePointOrderWithEndOfTextLast()
    {
        var tokenizer = LanguageModelTokenizer.Learn(["ba", "é😀\uFFEE"], TextTokenization.Character, 0);

        Assert.AreEqual(6, tokenizer.VocabularySize);
        Assert.AreEqual(5, tokenizer.EndOfTextId);
        CollectionAssert.AreEqual(new[] { 4, 3, 2, 1, 0 }, tokenizer.Encode("😀\uFFEEéba"));
    }

    [TestMethod]
    public void ACharacterOutsideTheVocabularyIsNamedWithItsPlace()
    {
        var tokenizer = LanguageModelTokenizer.Learn(["ab😀"], TextTokenization.Character, 0);

        var e = Assert.ThrowsExactly<ArgumentException>(() => tokenizer.Encode("a😀ü"));

        StringAssert.Contains(e.Message, "'ü' (U+00FC) at position 3");
    }

    [TestMethod]
    public void BytesAreTheirOwnIds()
    {
        var tokenizer = LanguageModelTokenizer.Learn([], TextTokenization.Byte, 0);

        Assert.AreEqual(257, tokenizer.VocabularySize);
        Assert.AreEqual(256, tokenizer.EndOfTextId);
        CollectionAssert.AreEqual("h\u00e9 \n"u8.ToArray().Select(value => (int)value).ToArray(), tokenizer.Encode("hé \n"));
    }

    [TestMethod]
    [DataRow(TextTokenization.Byte)]
    [DataRow(TextTokenization.Bpe)]
    public void EndOfTextWrittenOutIsTextUnlessAskedFor(TextTokenization tokenization)
    {
        var tokenizer = Learn(tokenization);
        const string text = "one<|endoftext|>two<|endoftext|>";

        int[] plain = tokenizer.Encode(text);
        int[] cut = tokenizer.Encode(text, recognizeSpecial: true);

        CollectionAssert.DoesNotContain(plain, tokenizer.EndOfTextId);
        Assert.AreEqual(text, tokenizer.Decode(plain));
        CollectionAssert.AreEqual(
            (int[])[.. tokenizer.Encode("one"), tokenizer.EndOfTextId, .. tokenizer.Encode("two"), tokenizer.EndOfTextId], cut);
        Assert.AreEqual("onetwo", tokenizer.Decode(cut));
    }

    [TestMethod]
    [DataRow(TextTokenization.Byte)]
    [DataRow(TextTokenization.Bpe)]
    public void AHalfSurrogatePairCountsAsTheReplacementCharacter(TextTokenization tokenization)
    {
        var tokenizer = Learn(tokenization);

        Assert.AreEqual("a\uFFFDb\uFFFD😀", tokenizer.Decode(tokenizer.Encode("a\uD83Db\uDE00😀")));
    }

    [TestMethod]
    public void AMegabyteWithoutASpaceReadsBackUnchanged()
    {
        var tokenizer = Learn(TextTokenization.Bpe);
        string text = string.Concat(Enumerable.Repeat("x😀", 100_000)) + new string('a', 700_000);

        Assert.AreEqual(text, tokenizer.Decode(tokenizer.Encode(text)));
    }

    [TestMethod]
    public void AnIdOutsideTheVocabularyIsRefused()
    {
        var tokenizer = LanguageModelTokenizer.Learn([], TextTokenization.Byte, 0);

        var e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => tokenizer.Decode([65, 257]));

        StringAssert.Contains(e.Message, "257");
        StringAssert.Contains(e.Message, "0 to 256");
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => tokenizer.Decode([-1]));
    }

    [TestMethod]
    public void NoTextGivesNoCharacters()
    {
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => LanguageModelTokenizer.Learn([""], TextTokenization.Character, 0));

        StringAssert.Contains(e.Message, "no rows");
    }

    private static LanguageModelTokenizer Learn(TextTokenization tokenization) => LanguageModelTokenizer.Learn([Sample], tokenization, 280);
}
