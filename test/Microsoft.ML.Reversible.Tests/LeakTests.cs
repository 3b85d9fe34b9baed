using System.Diagnostics;
using Microsoft.ML.Reversible.Tests.Models;
using Microsoft.ML.Reversible.Tests.Storage;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests;

/// <summary>Tests that repeated use leaves no tensor behind, and that resident memory stays flat.</summary>
[TestClass]
[DoNotParallelize]
public sealed class LeakTests
{
    private const double Mebibyte = 1 << 20;

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void AThousandPredictionsLeaveNothing()
    {
        using ReversibleLmTransformer model = Corpus.Train(_ml, o => o.MaxSteps = 2);
        using PredictionEngine<Corpus.Row, Corpus.ScoredRow> engine =
            _ml.Model.CreatePredictionEngine<Corpus.Row, Corpus.ScoredRow>(model, new PredictionEngineOptions { OwnsTransformer = false });
        var row = new Corpus.Row { Text = Corpus.Rows[0] };
        AssertNothingStays(1000, () => Assert.IsLessThan(0, engine.Predict(row).LogLikelihood));
    }

    [TestMethod]
    public void AHundredFitsLeaveNothing() => AssertNothingStays(100, () => Corpus.Train(_ml, o => o.MaxSteps = 2).Dispose());

    [TestMethod]
    public void AHundredLoadsLeaveNothing()
    {
        string folder = TestData.Require("stories260k/hf-llama-form"), tokenizer = TestData.Require("stories260k/tok512.model");
        AssertNothingStays(100, () => _ml.Reversible().LoadPretrained(folder, tokenizerPath: tokenizer).Dispose());
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void FiftyAdaptersLeaveNothing(bool baseFirst)
    {
        using var scratch = new ScratchFolder();
        using (ReversibleLmTransformer model = Corpus.Train(_ml, o => o.MaxSteps = 2))
        {
            model.SavePretrained(scratch.File("model"));
            Adapters.Save(model.Network, scratch.File("adapter"));
        }
        AssertNothingStays(50, () =>
        {
            ReversibleLmTransformer model = _ml.Reversible().LoadPretrained(scratch.File("model"));
            ReversibleLmTransformer adapted = model.LoadAdapter(scratch.File("adapter"));
            adapted.Generate("the", maxTokens: 2, temperature: 0);
            adapted.MergeAdapter().Dispose();
            (baseFirst ? model : adapted).Dispose();
            (baseFirst ? adapted : model).Generate("the", maxTokens: 2, temperature: 0);
            (baseFirst ? adapted : model).Dispose();
        });
    }

    [TestMethod]
    public void ATensorThatIsKeptEachTimeIsFound()
    {
        var kept = new List<Tensor>();
        try
        {
            Assert.ThrowsExactly<AssertFailedException>(() => AssertNothingStays(20, () => kept.Add(ones(4))));
        }
        finally
        {
            kept.ForEach(tensor => tensor.Dispose());
        }
    }

    [TestMethod]
    public void AModelThatIsKeptEachTimeIsFound()
    {
        var kept = new List<ReversibleLmTransformer>();
        try
        {
            Assert.ThrowsExactly<AssertFailedException>(
                () => AssertNothingStays(3, () => kept.Add(Corpus.Train(_ml, o => o.MaxSteps = 2))));
        }
        finally
        {
            kept.ForEach(model => model.Dispose());
        }
    }

    [TestMethod]
    public void MemoryThatIsNoTensorAndStaysIsFound()
    {
        var kept = new List<byte[]>();
        Assert.ThrowsExactly<AssertFailedException>(() => AssertNothingStays(10, () => kept.Add(Touched())));
        kept.Clear();

        static byte[] Touched()
        {
            var bytes = new byte[8 << 20];
            Array.Fill(bytes, (byte)1);
            return bytes;
        }
    }

    /// <summary>
    /// Repeats an action. Fails where tensors stay, or where resident memory grows by 4 MiB or more in each of five runs of all rounds:
    /// what leaks grows every time, a heap that settles does not.
    /// </summary>
    private static void AssertNothingStays(int rounds, Action action)
    {
        for (int round = 0; round < Math.Max(1, rounds / 5); round++) action();
        long tensors = TestModels.LiveTensors();
        var growth = new List<double>();
        do
        {
            double before = Resident();
            for (int round = 0; round < rounds; round++) action();
            Assert.AreEqual(tensors, TestModels.LiveTensors(), "live tensors");
            growth.Add(Resident() - before);
        }
        while (growth[^1] >= 4 && growth.Count < 5);
        Assert.IsLessThan(4, growth[^1], $"MiB of resident memory that each run adds: {string.Join(", ", growth)}");
    }

    private static double Resident()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64 / Mebibyte;
    }
}
