using System.Text.Json;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

[TestClass]
public class TokenizerFilesTests
{
    private const string Sample = "a \"quoted\" text\twith \\ and é and 猫 and 😀\n";

    private DirectoryInfo _folder = null!;

    [TestInitialize]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("reversible-tests-");

    [TestCleanup]
    public void DeleteFolder() => _folder.Delete(recursive: true);

    [TestMethod]
    [DataRow(TextTokenization.Character)]
    [DataRow(TextTokenization.Byte)]
    [DataRow(TextTokenization.Bpe)]
    public void WhatIsSavedComesBackAsWhatItWas(TextTokenization tokenization)
    {
        var saved = LanguageModelTokenizer.Learn([Sample], tokenization, 270);

        saved.Save(_folder.FullName);
        var loaded = LanguageModelTokenizer.Load(_folder.FullName);

        Assert.AreEqual(tokenization, loaded.Kind);
        Assert.AreEqual(saved.VocabularySize, loaded.VocabularySize);
        Assert.AreEqual(saved.EndOfTextId, loaded.EndOfTextId);
        CollectionAssert.AreEqual(saved.Encode(Sample), loaded.Encode(Sample));
        Assert.AreEqual(Sample, loaded.Decode(loaded.Encode(Sample)));
    }

    [TestMethod]
    public void TheFilesAreHuggingFacesOwn()
    {
        LanguageModelTokenizer.Learn(["aab aab"], TextTokenization.Bpe, 259).Save(_folder.FullName);

        var vocabulary = JsonSerializer.Deserialize<Dictionary<string, int>>(Read("vocab.json"))!;
        Assert.AreEqual("#version: 0.2\na b\na ab\n", Read("merges.txt"));
        Assert.HasCount(259, vocabulary);
        Assert.AreEqual((32, 97, 257, 258), (vocabulary["Ġ"], vocabulary["a"], vocabulary["aab"], vocabulary["<|endoftext|>"]));
        using var configuration = JsonDocument.Parse(Read("tokenizer_config.json"));
        Assert.AreEqual("GPT2Tokenizer", configuration.RootElement.GetProperty("tokenizer_class").GetString());
        Assert.AreEqual("<|endoftext|>", configuration.RootElement.GetProperty("eos_token").GetString());
        Assert.AreEqual("bpe", configuration.RootElement.GetProperty("reversible_tokenization").GetString());
    }

    [TestMethod]
    public void OpenAisGpt2FilesGiveTheReferenceIds()
    {
        File.Copy(TestData.Require("gpt2-tokenizer/encoder.json"), PathOf("vocab.json"));
        File.Copy(TestData.Require("gpt2-tokenizer/vocab.bpe"), PathOf("merges.txt"));

        var tokenizer = LanguageModelTokenizer.Load(_folder.FullName);

        Assert.AreEqual((50257, 50256), (tokenizer.VocabularySize, tokenizer.EndOfTextId));
        CollectionAssert.AreEqual(new[] { 15496, 995 }, tokenizer.Encode("Hello world"));
        CollectionAssert.AreEqual(new[] { 64, 50256, 65 }, tokenizer.Encode("a<|endoftext|>b", recognizeSpecial: true));
    }

    [TestMethod]
    public void AVocabularyWithoutSomeBytesNamesTheCharacterItCannotTake()
    {
        foreach (string file in (string[])["vocab.json", "merges.txt", "tokenizer_config.json"])
            File.Copy(TestData.Require("tiny-gpt2-random/" + file), PathOf(file));
        var tokenizer = LanguageModelTokenizer.Load(_folder.FullName);

        CollectionAssert.AreEqual(new[] { 14, 15 }, tokenizer.Encode(" lower"));
        var e = Assert.ThrowsExactly<ArgumentException>(() => tokenizer.Encode(" low!"));

        StringAssert.Contains(e.Message, "'!' (U+0021) at position 4");
    }

    [TestMethod]
    [DataRow("#version: 0.2\r\na b\r\n")]
    [DataRow("\ufeff#version: 0.2\na b \n \n\n")]
    [DataRow("\n#version: 0.2 - made by hand\n\ta b")]
    public void ByteOrderMarksAndWhiteSpaceDoNoHarm(string merges)
    {
        File.WriteAllText(PathOf("vocab.json"), """{"a":0.0,"b":1,"ab":2,"<|endoftext|>":3}""" + "\r\n ", System.Text.Encoding.UTF8);
        Write("merges.txt", merges);

        CollectionAssert.AreEqual(new[] { 2, 0 }, LanguageModelTokenizer.Load(_folder.FullName).Encode("aba"));
    }

    [TestMethod]
    [DataRow("vocab.json", """{"a":0,""", "is not JSON")]
    [DataRow("vocab.json", "[]", "is not a JSON object")]
    [DataRow("vocab.json", "{}", "no tokens")]
    [DataRow("vocab.json", """{"a":"0","<|endoftext|>":1}""", "the id of 'a' is \"0\"")]
    [DataRow("vocab.json", """{"a":0.5,"<|endoftext|>":1}""", "the id of 'a' is 0.5")]
    [DataRow("vocab.json", """{"a":0,"<|endoftext|>":0}""", "both have the id 0")]
    [DataRow("vocab.json", """{"a":0,"<|endoftext|>":2000000000}""", "it has the id 2000000000, but there are only 2 tokens")]
    [DataRow("vocab.json", """{"a":-1,"<|endoftext|>":0}""", "must be 0 to 1")]
    [DataRow("vocab.json", """{"a":0,"a":1,"<|endoftext|>":2}""", "'a' twice")]
    [DataRow("vocab.json", """{"a":0,"\ud800":1,"<|endoftext|>":2}""", "a text in it is broken")]
    [DataRow("tokenizer_config.json", """{"eos_token":"\ud800"}""", "a text in it is broken")]
    [DataRow("tokenizer_config.json", """{"eos_token":""}""", "eos_token is not a text")]
    [DataRow("vocab.json", """{"a":0,"b":1,"ab":2}""", "lacks the token '<|endoftext|>'")]
    [DataRow("vocab.json", """{"a b":0,"<|endoftext|>":1}""", "'a b' of id 0 is not written in GPT-2's byte alphabet")]
    [DataRow("merges.txt", "#version: 0.2\na b\nab\n", "line 3 is 'ab'")]
    [DataRow("merges.txt", "a  b\n", "line 1")]
    [DataRow("merges.txt", "a z\n", "needs the token 'z'")]
    [DataRow("merges.txt", "b a\n", "needs the token 'ba'")]
    [DataRow("merges.txt", "a b\na b\n", "'a b' twice")]
    [DataRow("tokenizer_config.json", "nonsense", "is not JSON")]
    [DataRow("tokenizer_config.json", """{"reversible_tokenization":"words"}""", "must be \"character\", \"byte\" or \"bpe\"")]
    [DataRow("tokenizer_config.json", """{"reversible_tokenization":1}""", "reversible_tokenization is 1")]
    [DataRow("tokenizer_config.json", """{"eos_token":7}""", "eos_token is not a text")]
    [DataRow("tokenizer_config.json", """{"added_tokens_decoder":{"x":{"content":"c"}}}""", "the id 'x'")]
    [DataRow("tokenizer_config.json", """{"added_tokens_decoder":{"4":{"special":true}}}""", "must have an id and content")]
    [DataRow("tokenizer_config.json", """{"added_tokens_decoder":{"2000000000":{"content":"c"}}}""", "it has the id 2000000000, but")]
    [DataRow("tokenizer_config.json", """{"added_tokens_decoder":{"2":{"content":"c"}}}""", "'ab' and 'c' both have the id 2")]
    [DataRow("tokenizer_config.json", """{"added_tokens_decoder":{"5":{"content":"ab"}}}""", "this token has the id 2")]
    [DataRow("added_tokens.json", """{"c":"4"}""", "the id of 'c' is \"4\"")]
    public void AMalformedFileIsNamedWithWhatIsWrong(string file, string content, string reason)
    {
        WriteGood();
        Write(file, content);

        var e = Assert.ThrowsExactly<InvalidDataException>(() => LanguageModelTokenizer.Load(_folder.FullName));

        StringAssert.Contains(e.Message, file);
        StringAssert.Contains(e.Message, reason);
    }

    [TestMethod]
    [DataRow("byte", "vocab.json", "'ab' of id 2 is not one byte")]
    [DataRow("character", "vocab.json", "'ab' of id 2 is not one character")]
    public void AVocabularyThatDoesNotFitItsKindIsRefused(string kind, string file, string reason)
    {
        WriteGood();
        Write("tokenizer_config.json", $$"""{"reversible_tokenization":"{{kind}}"}""");

        var e = Assert.ThrowsExactly<InvalidDataException>(() => LanguageModelTokenizer.Load(_folder.FullName));

        StringAssert.Contains(e.Message, file);
        StringAssert.Contains(e.Message, reason);
    }

    [TestMethod]
    [DataRow("vocab.json")]
    [DataRow("merges.txt")]
    public void AMissingFileIsNamed(string file)
    {
        WriteGood();
        File.Delete(PathOf(file));

        var e = Assert.ThrowsExactly<FileNotFoundException>(() => LanguageModelTokenizer.Load(_folder.FullName));

        StringAssert.Contains(e.Message, file);
    }

    [TestMethod]
    public void AnEndOfTextTokenWrittenAsAnObjectIsUnderstood()
    {
        WriteGood();
        Write("tokenizer_config.json", """{"eos_token":{"content":"b","special":true}}""");

        Assert.AreEqual(1, LanguageModelTokenizer.Load(_folder.FullName).EndOfTextId);
    }

    private void WriteGood()
    {
        Write("vocab.json", """{"a":0,"b":1,"ab":2,"<|endoftext|>":3}""");
        Write("merges.txt", "#version: 0.2\na b\n");
    }

    private string PathOf(string file) => Path.Combine(_folder.FullName, file);

    private string Read(string file) => File.ReadAllText(PathOf(file));

    private void Write(string file, string content) => File.WriteAllText(PathOf(file), content);
}
