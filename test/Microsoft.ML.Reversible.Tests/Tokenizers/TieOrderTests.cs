using Microsoft.ML.Reversible.Tests.Models;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

[TestClass]
public class TieOrderTests
{
    [TestMethod]
    public void TrainingWithAnInstanceThatMergesFromTheRightWarnsOnce()
    {
        Tokenizer tokenizer = Llama();
        var warnings = new List<string>();
        MLContext ml = Listening(warnings);

        for (int i = 0; i < 2; i++)
            Corpus.Train(ml, o => (o.Tokenizer, o.MaxSteps) = (tokenizer, 1)).Dispose();

        Assert.HasCount(1, warnings);
        StringAssert.Contains(warnings[0], "The LlamaTokenizer of Microsoft.ML.Tokenizers makes 'l' and 'll' of 'lll'");
    }

    [TestMethod]
    public void LoadingWithOneWarnsAndLoadingWithItsFileDoesNot()
    {
        string folder = TestData.Require("stories260k/hf-llama-form");
        var warnings = new List<string>();
        MLContext ml = Listening(warnings);

        ml.Reversible().LoadPretrained(folder, tokenizerPath: TestData.Require("stories260k/tok512.model")).Dispose();
        Assert.IsEmpty(warnings);
        ml.Reversible().LoadPretrained(folder, Llama()).Dispose();
        Assert.HasCount(1, warnings);
    }

    [TestMethod]
    public void OtherInstancesAreNotWarnedOf()
    {
        var warnings = new List<string>();

        Corpus.Train(Listening(warnings), o => (o.Tokenizer, o.MaxSteps) = (Gpt2.Tokenizer, 1)).Dispose();

        Assert.IsEmpty(warnings);
    }

    private static LlamaTokenizer Llama()
    {
        using FileStream model = File.OpenRead(TestData.Require("stories260k/tok512.model"));
        return LlamaTokenizer.Create(model);
    }

    private static MLContext Listening(List<string> warnings)
    {
        var ml = new MLContext(seed: 1);
        ml.Log += (_, e) =>
        {
            if (e.Message.Contains("of equal merges", StringComparison.Ordinal)) warnings.Add(e.Message);
        };
        return ml;
    }
}
