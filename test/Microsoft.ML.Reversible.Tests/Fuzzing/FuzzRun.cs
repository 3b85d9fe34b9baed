using System.Diagnostics;
using Microsoft.ML.Reversible.Tests.Storage;
using TorchSharp;

namespace Microsoft.ML.Reversible.Tests.Fuzzing;

/// <summary>
/// Reads many damaged copies of a target's folder. Each loads or is refused by a documented exception with a short message, takes bounded
/// memory, leaves no tensor, and touches nothing outside the folder.
/// </summary>
internal sealed class FuzzRun : IDisposable
{
    private const long MostManagedBytes = 64 << 20;
    private const long MostResidentGrowth = 1L << 30;
    private const int LongestMessage = 8000;

    private readonly FuzzTarget _target;
    private readonly ScratchFolder _scratch = new();
    private readonly FileStream _canary;
    private readonly string _folder;
    private readonly Dictionary<string, byte[]> _good;

    public FuzzRun(FuzzTarget target)
    {
        _target = target;
        _folder = _scratch.File("m");
        target.Make(_folder);
        _good = Directory.GetFiles(_folder).Order(StringComparer.Ordinal).ToDictionary(path => path, File.ReadAllBytes);

        // A file next to the folder, which damaged files point to. It is locked, so that reading it gives an exception that is not allowed.
        _canary = new(_scratch.File("canary.safetensors"), FileMode.Create, FileAccess.ReadWrite, FileShare.None);
        target.Load(_folder);
    }

    /// <summary>Mutants that loaded nevertheless.</summary>
    public int Loaded { get; private set; }

    /// <summary>Mutants that were refused.</summary>
    public int Refused { get; private set; }

    public void Run(int count, int seed)
    {
        var mutator = new FileMutator(seed);
        var random = new Random(seed);
        long tensors = TestModels.LiveTensors(), resident = PeakBytes();
        string[] names = [.. _good.Keys];
        for (int i = 0; i < count; i++)
        {
            string path = names[random.Next(names.Length)];
            byte[] mutant = mutator.Mutate(_good[path], [.. _good.Values]);
            File.WriteAllBytes(path, mutant);
            string content = Convert.ToBase64String(mutant.AsSpan(0, Math.Min(600, mutant.Length)));
            Try($"{_target} seed {seed} mutant {i}, {Path.GetFileName(path)} = {content}");
            File.WriteAllBytes(path, _good[path]);
        }
        Assert.AreEqual(tensors, TestModels.LiveTensors(), $"{_target}: tensors are left");
        Assert.IsLessThan(MostResidentGrowth, PeakBytes() - resident, $"{_target}: resident memory grew");
        CollectionAssert.AreEqual(new[] { "canary.safetensors", "m" }, _scratch.Entries, $"{_target}: something is beside the folder");
        CollectionAssert.AreEquivalent(names, Directory.GetFileSystemEntries(_folder), $"{_target}: something is in the folder");
    }

    public void Dispose()
    {
        _canary.Dispose();
        _scratch.Dispose();
    }

    private void Try(string what)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            _target.Load(_folder);
            Loaded++;
        }
        catch (Exception e) when (_target.Refusals.Contains(e.GetType()))
        {
            Refused++;
            Assert.IsLessThan(LongestMessage, e.Message.Length, what);
        }
        catch (Exception e)
        {
            Assert.Fail($"{what}: {e}");
        }
        Assert.IsLessThan(MostManagedBytes, GC.GetAllocatedBytesForCurrentThread() - before, what);
    }

    private static long PeakBytes()
    {
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }
}
