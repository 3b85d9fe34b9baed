using System.Text;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Packages.Tokenizers;

[TestClass]
public class TiktokenTokenizerTests
{
    private static readonly Dictionary<string, int> _special = new() { ["[END]"] = 9 };

    [TestMethod]
    public void TheLowestRankMergesFirst()
    {
        TiktokenTokenizer tokenizer = Create("a 0", "b 1", "c 2", "bc 3", "ab 4", "abc 5");

        CollectionAssert.AreEqual(new[] { 5 }, tokenizer.EncodeToIds("abc").ToArray());
        CollectionAssert.AreEqual(new[] { 4, 4, 3 }, tokenizer.EncodeToIds("ababbc").ToArray());
        Assert.AreEqual("abc[END]", tokenizer.Decode([0, 3, 9]));
    }

    [TestMethod]
    public void AnIdThatItLacksDecodesToNothing() => Assert.AreEqual("a", Create("a 0").Decode([7, 0, -1]));

    [TestMethod]
    public void ASpecialTokenIsFoundWhereThePreTokenizerHandsItOver()
    {
        using Stream file = Vocabulary("a 0", "b 1");
        var tokenizer = TiktokenTokenizer.Create(file, PreTokenizer.CreateWordOrNonWord(_special), normalizer: null, _special);

        CollectionAssert.AreEqual(new[] { 0, 9, 1 }, tokenizer.EncodeToIds("a[END]b").ToArray());
    }

    [TestMethod]
    public void Gpt2sFileGivesGpt2sIds()
    {
        using FileStream file = File.OpenRead(TestData.Require("gpt2-tokenizer/gpt2.tiktoken"));
        var tokenizer = TiktokenTokenizer.Create(file, RobertaPreTokenizer.Instance, normalizer: null);

        const string text = "We'll see:  42 birds,\n\nsaid Zoë — twice… 猫😀";
        CollectionAssert.AreEqual(Gpt2.Tokenizer.EncodeToIds(text).ToArray(), tokenizer.EncodeToIds(text).ToArray());
        Assert.AreEqual(text, tokenizer.Decode(tokenizer.EncodeToIds(text)));
    }

    [TestMethod]
    public void ABrokenLineIsRefused() => Assert.ThrowsExactly<InvalidOperationException>(() =>
        TiktokenTokenizer.Create(new MemoryStream("YQ== x\n"u8.ToArray()), preTokenizer: null, normalizer: null));

    private static TiktokenTokenizer Create(params string[] tokens)
    {
        using Stream file = Vocabulary(tokens);
        return TiktokenTokenizer.Create(file, preTokenizer: null, normalizer: null, _special);
    }

    private static MemoryStream Vocabulary(params string[] tokens) => new(Encoding.UTF8.GetBytes(string.Join('\n', tokens.Select(
        token => $"{Convert.ToBase64String(Encoding.UTF8.GetBytes(token.Split(' ')[0]))} {token.Split(' ')[1]}"))));
}
