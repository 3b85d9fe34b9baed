using System.Text.Json;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

[TestClass]
public class SentencePieceTests
{
    private static LanguageModelTokenizer Llama => LanguageModelTokenizer.Load(TestData.Require("llama-tokenizer/tokenizer.model"));

    private static LanguageModelTokenizer Stories => LanguageModelTokenizer.Load(TestData.Require("stories260k/tok512.model"));

    [TestMethod]
    public void TheStoriesModelHasTheReferenceIdsAndText()
    {
        using var golden = JsonDocument.Parse(File.ReadAllText(TestData.Require("stories260k/golden.json")));
        int[] Ids(string name) => golden.RootElement.GetProperty(name).Deserialize<int[]>()!;
        LanguageModelTokenizer tokenizer = Stories;

        int[] ids = tokenizer.Encode(golden.RootElement.GetProperty("text").GetString()!);

        CollectionAssert.AreEqual(Ids("input_ids"), (int[])[tokenizer.BeginOfTextId, .. ids]);
        string greedy = File.ReadAllText(TestData.Require("stories260k/expected-greedy-200.txt"));
        StringAssert.StartsWith(greedy, tokenizer.Decode(Ids("greedy_from_bos_64")));
        Assert.AreEqual((512, "</s>"), (tokenizer.VocabularySize, tokenizer.EndOfText));
        Assert.AreEqual((2, 1), (tokenizer.EndOfTextId, tokenizer.BeginOfTextId));
    }

    [TestMethod]
    public void LlamasVocabularyGivesTheIdsOfThePlainAlgorithmAndReadsThemBack()
    {
        LanguageModelTokenizer tokenizer = Llama;
        var slow = new SlowSentencePiece(TestData.Require("llama-tokenizer/tokenizer.bin"), 32_000);
        var random = new Random(5);
        foreach (string text in TokenizerSamples.All.Concat(Enumerable.Range(0, 200).Select(_ => RandomText.Next(random, 60))))
        {
            int[] ids = tokenizer.Encode(text);
            CollectionAssert.AreEqual(slow.Encode(text), ids, text);
            Assert.AreEqual(text.Replace('\u2581', ' '), tokenizer.Decode(ids));
        }
    }

    [TestMethod]
    [DataRow("Hello", new[] { 15043 })]
    [DataRow("", new int[0])]
    [DataRow(" ", new[] { 259 })]
    [DataRow("\n", new[] { 29871, 13 })]
    [DataRow("😀", new[] { 29871, 243, 162, 155, 131 })]
    public void LlamasIdsAreTheKnownOnes(string text, int[] expected) => CollectionAssert.AreEqual(expected, Llama.Encode(text));

    [TestMethod]
    public void NoTextIsEncodedToASpecialToken()
    {
        foreach (LanguageModelTokenizer tokenizer in new[] { Llama, Stories })
        {
            int[] ids = tokenizer.Encode("<s></s><unk> <s> </s> <unk>");
            Assert.IsTrue(ids.All(id => id > 2));
            Assert.AreEqual("<s></s><unk> <s> </s> <unk>", tokenizer.Decode(ids));
        }
    }

    [TestMethod]
    public void TheEndWrittenOutEndsADocumentIfAskedFor()
    {
        LanguageModelTokenizer tokenizer = Llama;

        int[] ids = tokenizer.Encode("one</s>two", recognizeSpecial: true);

        CollectionAssert.AreEqual((int[])[.. tokenizer.Encode("one"), 2, .. tokenizer.Encode("two")], ids);
        Assert.AreEqual("onetwo", tokenizer.Decode(ids));
    }

    [TestMethod]
    public void SpacesAreTrimmedAndJoinedWhereTheModelAsksForIt()
    {
        LanguageModelTokenizer tokenizer = Stories;

        CollectionAssert.AreEqual(tokenizer.Encode("once upon"), tokenizer.Encode("  once   upon "));
        Assert.IsEmpty(tokenizer.Encode("   "));
        Assert.AreEqual("a", tokenizer.Decode(tokenizer.Encode("a")));
    }

    [TestMethod]
    public void AContinuationKeepsItsSpace()
    {
        LanguageModelTokenizer tokenizer = Llama;
        int[] ids = tokenizer.Encode("upon a time");

        Assert.AreEqual("upon a time", tokenizer.Decode(ids));
        Assert.AreEqual(" upon a time", tokenizer.Decode(ids, continuation: true));
        Assert.AreEqual("upon a time", tokenizer.Decode([tokenizer.BeginOfTextId, .. ids]));
    }

    [TestMethod]
    public void BytesAreCountedWithTheSpaceBeforeTheTextAndWithoutSpecialTokens() =>
        Assert.AreEqual(1 + "héllo 😀"u8.Length, Llama.CountBytes([1, .. Llama.Encode("héllo 😀"), 2]));

    // The ids are those of huggingface/tokenizers and of SentencePiece itself.
    [TestMethod]
    [DataRow("Wow!!!!!", new[] { 399, 340, 6824, 21004 })]
    [DataRow("hmmm...", new[] { 298, 4317, 29885, 856 })]
    [DataRow("=====", new[] { 1275, 25512 })]
    [DataRow("oooo", new[] { 288, 3634, 29877 })]
    [DataRow("......", new[] { 13035, 636 })]
    [DataRow("haaaaat", new[] { 447, 7340, 29874, 271 })]
    [DataRow("aaaaaaa", new[] { 263, 27137, 7340 })]
    public void OfEqualScoresTheLeftmostPairIsMergedFirst(string text, int[] expected) =>
        CollectionAssert.AreEqual(expected, Llama.Encode(text));

    [TestMethod]
    public void WordsMergedOneByOneGiveTheIdsOfTheWholeText()
    {
        LanguageModelTokenizer tokenizer = Llama;
        var slow = new SlowSentencePiece(TestData.Require("llama-tokenizer/tokenizer.bin"), 32_000);
        string text = File.ReadAllText(TestData.Require("tinyshakespeare/input.txt"));
        for (int start = 0; start < 60_000; start += 600)
            CollectionAssert.AreEqual(slow.Encode(text[start..(start + 600)]), tokenizer.Encode(text[start..(start + 600)]));
    }

    [TestMethod]
    public void AMegabyteWithoutASpaceReadsBackUnchanged()
    {
        LanguageModelTokenizer tokenizer = Llama;
        string text = string.Concat(Enumerable.Repeat("x😀", 100_000)) + new string('a', 700_000);

        Assert.AreEqual(text, tokenizer.Decode(tokenizer.Encode(text)));
    }

    [TestMethod]
    public void AHalfSurrogatePairCountsAsTheReplacementCharacter() =>
        Assert.AreEqual("a\uFFFDb\uFFFD😀", Llama.Decode(Llama.Encode("a\uD83Db\uDE00😀")));
}
