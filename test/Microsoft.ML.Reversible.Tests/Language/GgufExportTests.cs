using System.Text.Json;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Tests.Storage;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Language;

/// <summary>Compares models as llama.cpp runs their GGUF files with the models themselves, or with the results of transformers.</summary>
[TestClass]
public sealed class GgufExportTests
{
    private static readonly MLContext Ml = new(seed: 1);
    private readonly ScratchFolder _scratch = new();

    private string File => _scratch.File("model.gguf");

    [TestCleanup]
    public void Delete() => _scratch.Dispose();

    [TestMethod]
    public void ATrainedLlamaTokenizesAndWritesTheSameText()
    {
        using ReversibleLmTransformer model = Ml.Reversible().LoadPretrained(
            TestData.Require("stories260k/hf-llama-form"), tokenizerPath: TestData.Require("stories260k/tok512.model"));
        var messages = new List<string>();
        Ml.Log += (_, e) => messages.Add(e.Message);
        model.SaveGguf(File, WeightPrecision.Float32);
        Assert.IsTrue(messages.Any(text => text.Contains("llama.cpp does not")), "SentencePiece's file removes extra spaces");
        using var other = new LlamaCpp(File, 256);
        LanguageModelTokenizer tokenizer = model.Model.Tokenizer;
        foreach (string text in (string[])["Once upon a time", "Lily saw a big dog.\nIt said: \"Hé 漢字 🦊!\"", "x", "aaa aaaa\t\r\n1234"])
            CollectionAssert.AreEqual(tokenizer.Encode(text), other.Encode(text), text);

        int[] prompt = [tokenizer.BeginOfTextId, .. tokenizer.Encode("Once upon a time")];
        string text200 = model.Generate("Once upon a time", maxTokens: 200, temperature: 0);
        int[] greedy = other.Greedy(prompt, 200);
        int end = Array.FindIndex(greedy, Prompt.Ends(model.Model).Contains);
        Assert.AreEqual(text200, tokenizer.Decode([.. prompt[1..], .. end < 0 ? greedy : greedy[..end]]));
    }

    [TestMethod]
    [DataRow("gpt2-large-like")]
    [DataRow("llama3-rope")]
    [DataRow("llama-linear-rope")]
    [DataRow("llama-biases-head-dim")]
    [DataRow("mistral")]
    [DataRow("qwen2")]
    [DataRow("qwen3")]
    [DataRow("qwen3-tied-deep")]
    public void LogitsAndGreedyIdsAreThoseOfTransformers(string name)
    {
        string folder = TestData.Require("reference-models/models/" + name);
        Golden golden = JsonSerializer.Deserialize<Golden>(System.IO.File.ReadAllText(Path.Combine(folder, "golden.json")))!;
        using LanguageModel loaded = TestFolders.Load(folder);
        var model = new LanguageModel(loaded.Network, LanguageModelTokenizer.Learn([], TextTokenization.Byte, 0));
        new ReversibleLmTransformer(Ml, model, ScoreColumns.For("Text")).SaveGguf(File, WeightPrecision.Float32);

        using var other = new LlamaCpp(File, 128);
        float[] logits = other.Logits(golden.ids);
        for (int i = 0; i < logits.Length; i++) Assert.AreEqual(golden.logits_last[i], logits[i], 5e-3f, $"logit {i}");
        CollectionAssert.AreEqual(golden.greedy, other.Greedy(golden.ids[..golden.prompt_length], golden.greedy.Length));
    }

    [TestMethod]
    [DataRow(WeightPrecision.Float16)]
    [DataRow(WeightPrecision.BFloat16)]
    public void TwoByteMatricesHalveTheFileAndKeepTheText(WeightPrecision precision)
    {
        using ReversibleLmTransformer model = Ml.Reversible().LoadPretrained(
            TestData.Require("stories260k/hf-llama-form"), tokenizerPath: TestData.Require("stories260k/tok512.model"));
        model.SaveGguf(File, precision);
        Assert.IsLessThan(2.2 * model.Configuration.ParameterCount, new FileInfo(File).Length);
        using var other = new LlamaCpp(File, 256);
        int[] prompt = [model.Model.Tokenizer.BeginOfTextId, .. model.Model.Tokenizer.Encode("Once upon a time")];
        Assert.AreEqual(
            model.Generate("Once upon a time", maxTokens: 10, temperature: 0),
            model.Model.Tokenizer.Decode([.. prompt[1..], .. other.Greedy(prompt, 10)]));
    }

    [TestMethod]
    public void ATrainedGptWithItsOwnVocabularyTokenizesAndWritesTheSameText()
    {
        foreach (TextTokenization tokenization in new[] { TextTokenization.Byte, TextTokenization.Bpe })
        {
            using ReversibleLmTransformer model = Corpus.Train(Ml, o =>
            {
                (o.Scheme, o.MaxSteps, o.Tokenization) = (Scheme.Residual, 60, tokenization);
                if (tokenization == TextTokenization.Bpe) o.VocabularySize = 300;
            });
            model.SaveGguf(File, WeightPrecision.Float32);
            using var other = new LlamaCpp(File, 16);
            LanguageModelTokenizer tokenizer = model.Model.Tokenizer;
            CollectionAssert.AreEqual(tokenizer.Encode("the red fox's 7 dögs"), other.Encode("the red fox's 7 dögs"));
            int[] prompt = tokenizer.Encode("the red");
            Assert.AreEqual(
                model.Generate("the red", maxTokens: 5, temperature: 0), tokenizer.Decode([.. prompt, .. other.Greedy(prompt, 5)]));
        }
    }

    [TestMethod]
    public void AModelOfAnotherSchemeIsRefusedAndOneOfBdiaIsNot()
    {
        foreach (Scheme scheme in (Scheme[])[Scheme.Midpoint, Scheme.Leapfrog, Scheme.Hamiltonian, Scheme.Parse("blend:16")])
        {
            using ReversibleLmTransformer model = Corpus.Train(Ml, o => (o.MaxSteps, o.Scheme) = (1, scheme));
            string message = Assert.ThrowsExactly<NotSupportedException>(() => model.SaveGguf(File)).Message;
            StringAssert.Contains(message, "residual or bdia");
            Assert.IsFalse(System.IO.File.Exists(File));
        }
        using ReversibleLmTransformer bdia = Corpus.Train(Ml, o => (o.MaxSteps, o.Scheme) = (1, Scheme.Bdia));
        bdia.SaveGguf(File);
        Assert.IsTrue(System.IO.File.Exists(File));
    }

    [TestMethod]
    [DataRow("mistral-sliding-window", "sliding window")]
    [DataRow("llama-yarn-rope", "rotary positions")]
    [DataRow("gemma2", "Gemma 2")]
    public void WhatLlamaCppWouldComputeDifferentlyIsRefusedByName(string name, string named)
    {
        using LanguageModel loaded = TestFolders.Load(TestData.Require("reference-models/models/" + name));
        var model = new LanguageModel(loaded.Network, LanguageModelTokenizer.Learn([], TextTokenization.Byte, 0));
        StringAssert.Contains(
            Assert.ThrowsExactly<NotSupportedException>(
                () => new ReversibleLmTransformer(Ml, model, ScoreColumns.For("Text")).SaveGguf(File)).Message,
            named);
    }

    [TestMethod]
    public void TheChatTemplateIsWritten()
    {
        const string template = "{% for message in messages %}{{ message.content }}{% endfor %}";
        string folder = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(File)!, "model");
        Directory.CreateDirectory(folder);
        foreach (string name in (string[])["config.json", "model.safetensors"])
            System.IO.File.Copy(TestData.Require($"stories260k/hf-llama-form/{name}"), System.IO.Path.Combine(folder, name));
        System.IO.File.Copy(TestData.Require("stories260k/tok512.model"), System.IO.Path.Combine(folder, "tokenizer.model"));
        System.IO.File.WriteAllText(System.IO.Path.Combine(folder, "chat_template.jinja"), template);
        using ReversibleLmTransformer model = Ml.Reversible().LoadPretrained(folder);
        model.SaveGguf(File, WeightPrecision.Float32);
        using var other = new LlamaCpp(File, 32);
        Assert.AreEqual(template, other.Metadata["tokenizer.chat_template"]);
    }

    [TestMethod]
    public void AFailureLeavesTheOldFile()
    {
        using ReversibleLmTransformer model = Corpus.Train(Ml, o => (o.MaxSteps, o.Scheme) = (1, Scheme.Residual));
        System.IO.File.WriteAllText(File, "old");
        using (TorchSharp.torch.no_grad()) model.Network.parameters().First().fill_(1e30f);
        Assert.ThrowsExactly<InvalidOperationException>(() => model.SaveGguf(File, WeightPrecision.Float16));
        Assert.AreEqual("old", System.IO.File.ReadAllText(File));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => model.SaveGguf(File, (WeightPrecision)9));
    }

    private sealed record Golden(int[] ids, float[] logits_last, int[] greedy, int prompt_length);
}
