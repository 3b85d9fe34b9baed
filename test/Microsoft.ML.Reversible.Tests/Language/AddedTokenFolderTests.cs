using System.Text.Json.Nodes;
using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Language;

/// <summary>Tests models whose folders add tokens to the vocabulary, also beyond the model's ids.</summary>
[TestClass]
public sealed class AddedTokenFolderTests
{
    private static readonly MLContext Ml = new(seed: 1);
    private readonly ScratchFolder _scratch = new();

    [TestCleanup]
    public void Delete() => _scratch.Dispose();

    [TestMethod]
    public void APaddingTokenBeyondTheModelChangesNothing()
    {
        using ReversibleLmTransformer plain = Load(Stories("""{"add_bos_token":true}"""));
        using ReversibleLmTransformer padded = Load(Stories(Pad(special: true)));

        Assert.AreEqual(plain.Generate("Once [PAD] upon", maxTokens: 20, temperature: 0), padded.Generate("Once [PAD] upon", 20, 0));
        Assert.AreEqual(Score(plain, "Once [PAD] upon"), Score(padded, "Once [PAD] upon"));
        padded.SavePretrained(_scratch.File("saved"));
        using ReversibleLmTransformer saved = Load(_scratch.File("saved"));
        Assert.AreEqual(Score(plain, "Once upon a time"), Score(saved, "Once upon a time"));
    }

    [TestMethod]
    public void TrainingGoesOnFromAFolderWithATokenBeyondTheModel()
    {
        string folder = Stories(Pad(special: true));
        using ReversibleLmTransformer model = Ml.Reversible().LanguageModel(new ReversibleLmTrainer.Options
        {
            PretrainedFolder = folder, ContextLength = 16, BatchSize = 2, MaxSteps = 2, WarmupSteps = 1,
        }).Fit(Corpus.View(Ml, Corpus.Rows));
        Assert.AreEqual(512, model.Configuration.VocabularySize);
        model.SavePretrained(_scratch.File("saved"));
        Load(_scratch.File("saved")).Dispose();
    }

    [TestMethod]
    public void ATextWithATokenBeyondTheModelIsRefusedByItsName()
    {
        using ReversibleLmTransformer model = Load(Stories(Pad(special: false)));
        Assert.IsGreaterThan(0, model.Generate("Once", maxTokens: 5).Length);
        var e = Assert.ThrowsExactly<ArgumentException>(() => model.Generate("Once [PAD]", maxTokens: 5));
        StringAssert.Contains(e.Message, "The token '[PAD]' has the id 512, but the model has only 512 ids");
    }

    [TestMethod]
    public void AnEndBeyondTheModelIsNeverProducedAndIsRefusedWhereItIsNeeded()
    {
        string folder = Stories(
            """{"bos_token":null,"eos_token":"<end>","added_tokens_decoder":{"512":{"content":"<end>","special":true}}}""");
        using ReversibleLmTransformer model = Load(folder);
        Assert.IsGreaterThan(0, model.Generate("Once", maxTokens: 5).Length);
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => model.Generate("", maxTokens: 5)).Message, "'<end>' has the id 512");
        var e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Ml.Reversible().LanguageModel(new ReversibleLmTrainer.Options
        {
            PretrainedFolder = folder, ContextLength = 16, MaxSteps = 1, WarmupSteps = 0,
        }).Fit(Corpus.View(Ml, Corpus.Rows)));
        StringAssert.Contains(e.Message, "The end-of-text id must be one of the vocabulary's, which are 0 to 511");
    }

    [TestMethod]
    public void ABeginningBeyondTheModelIsRefused()
    {
        string folder = Stories(
            """{"bos_token":"<b>","add_bos_token":true,"added_tokens_decoder":{"512":{"content":"<b>","special":true}}}""");
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(() => Load(folder)).Message, "a token of id 512 before every text");
    }

    [TestMethod]
    public void AVocabularyLargerThanTheModelIsStillRefused()
    {
        string folder = Stories(Pad(special: true));
        TestFolders.SaveRandom(_scratch.File("small"), TestModels.SmallLlama);
        foreach (string file in (string[])["tokenizer.model", "tokenizer_config.json"])
            File.Copy(Path.Combine(folder, file), _scratch.File("small/" + file));
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(() => Load(_scratch.File("small"))).Message,
            "has 512 tokens, but the model has only 50");
    }

    /// <summary>Case 06 of the shared cases: the token is never produced, so the text is that of the model without it.</summary>
    [TestMethod]
    public void TheSharedPaddedFolderGeneratesAsWithoutThePadding()
    {
        using ReversibleLmTransformer plain = Load(Stories("""{"add_bos_token":true}"""));
        using ReversibleLmTransformer padded = Load(Case("06-pad-beyond-embeddings/model"));
        Assert.AreEqual(plain.Generate("Once", maxTokens: 5, temperature: 0), padded.Generate("Once", maxTokens: 5, temperature: 0));
    }

    /// <summary>Case 07 of the shared cases.</summary>
    [TestMethod]
    [DataRow("a-nonspecial", 2, 1)]
    [DataRow("b-added-json", 512, 1)]
    public void TheSharedFoldersWithAddedTokensLoad(string form, int end, int begin)
    {
        using ReversibleLmTransformer model = Load(Case("07-added-tokens/" + form));
        Assert.IsGreaterThan(0, model.Generate("Once", maxTokens: 5, temperature: 0).Length);
        Assert.AreEqual((end, begin), (model.Model.Tokenizer.EndOfTextId, model.Model.Tokenizer.BeginOfTextId));
        Assert.AreEqual(514, model.Model.Tokenizer.VocabularySize);
        Assert.AreEqual(form == "a-nonspecial", model.Model.Tokenizer.Encode("<|im_end|>").Contains(512));
    }

    private static string Pad(bool special) =>
        """{"add_bos_token":true,"added_tokens_decoder":{"512":{"content":"[PAD]","special":SPECIAL}}}"""
            .Replace("SPECIAL", special ? "true" : "false");

    private static float Score(ReversibleLmTransformer model, string text) =>
        model.Transform(Ml.Data.LoadFromEnumerable([new { Text = text }])).GetColumn<float>("LogLikelihood").Single();

    private static ReversibleLmTransformer Load(string folder) => Ml.Reversible().LoadPretrained(folder);

    /// <summary>Makes a folder of the small story model with a tokenizer_config.json.</summary>
    private string Stories(string configuration)
    {
        string folder = Fill(_scratch.File("stories-" + Guid.NewGuid().ToString("N")[..8]), "stories260k/hf-llama-form");
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), configuration);
        return folder;
    }

    /// <summary>Copies a folder of the shared cases, and the story model's files that it lacks.</summary>
    private string Case(string name) => Fill(_scratch.File("case"), "../cases/" + name);

    private static string Fill(string folder, string source)
    {
        Directory.CreateDirectory(folder);
        foreach (string file in Directory.GetFiles(TestData.Require(source))) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        string weights = Path.Combine(folder, "model.safetensors"), tokenizer = Path.Combine(folder, "tokenizer.model");
        if (!File.Exists(weights)) File.Copy(TestData.Require("stories260k/hf-llama-form/model.safetensors"), weights);
        if (!File.Exists(tokenizer)) File.Copy(TestData.Require("stories260k/tok512.model"), tokenizer);
        return folder;
    }
}
