using System.Security.Cryptography;

namespace Microsoft.ML.Reversible.Tests;

/// <summary>
/// Tests every option of a type: it is refused where it has no effect, and changes the output where it has one.
/// </summary>
internal static class OptionWalk
{
    private const int MostWithSameBits = 5;

    /// <summary>Asserts that each public property of the type has a case, and that few may leave the output unchanged.</summary>
    public static void AssertComplete<T>(IReadOnlyList<OptionCase<T>> cases)
    {
        CollectionAssert.AreEquivalent(
            typeof(T).GetProperties().Select(property => property.Name).ToArray(), cases.Select(one => one.Option).ToArray(),
            "an option without a case, or a case without an option");
        foreach (OptionCase<T> one in cases) Assert.AreNotEqual(one.Change is null, one.SameBits is null, one.Option);
        Assert.IsLessThanOrEqualTo(MostWithSameBits, cases.Count(one => one.SameBits is not null));
    }

    /// <summary>Asserts that every run with the option's change gives other output than the run without.</summary>
    /// <param name="one">The case.</param>
    /// <param name="create">Makes options with few steps.</param>
    /// <param name="run">Runs them, and writes files to a folder alone.</param>
    /// <param name="mayBeRefused">Whether the change may also be refused because of the run's other options.</param>
    public static void AssertEffect<T>(OptionCase<T> one, Func<T> create, Func<T, string, string> run, bool mayBeRefused = false)
    {
        if (one.Change is null) return;
        string plain = one.Base is null ? Plain<T>.Once(() => Output((_, _) => { })) : Output(one.Base);
        string changed = Output((options, folder) =>
        {
            one.Base?.Invoke(options, folder);
            one.Change(options, folder);
        });
        Assert.AreNotEqual(plain, changed, $"{one.Option} changes nothing");
        if (!mayBeRefused)
            Assert.IsFalse(changed.StartsWith("Argument", StringComparison.Ordinal), $"{one.Option} is refused, not applied: {changed}");

        string Output(Action<T, string> set) => OptionWalk.Output(create, set, run);
    }

    /// <summary>Asserts that the option is refused together with each setting with which it has no effect.</summary>
    /// <param name="one">The case.</param>
    /// <param name="create">Makes options.</param>
    /// <param name="use">Gives them to what they are options of.</param>
    public static void AssertRefused<T>(OptionCase<T> one, Func<T> create, Action<T> use)
    {
        foreach (Action<T> set in one.Unused)
        {
            T options = create();
            set(options);
            var e = Assert.Throws<ArgumentException>(() => use(options), one.Option);
            Assert.AreEqual(one.Option, e.ParamName, e.Message);
            StringAssert.StartsWith(e.Message, $"{one.Option} has no effect ");
            StringAssert.Contains(e.Message, ". Leave it out, or ");
        }
    }

    /// <summary>Returns all output of a run: what it returns or throws, and the names of the files that it leaves.</summary>
    public static string Output<T>(Func<T> create, Action<T, string> set, Func<T, string, string> run)
    {
        string folder = Directory.CreateTempSubdirectory("options-").FullName;
        try
        {
            T options = create();
            set(options, folder);
            string result;
            try
            {
                result = run(options, folder);
            }
            catch (Exception e) when (e is not UnitTestAssertException)
            {
                result = $"{e.GetType().Name}: {e.Message}".Replace(folder, "", StringComparison.Ordinal);
            }
            IEnumerable<string> files = Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories)
                .Select(path => Path.GetRelativePath(folder, path)).Order(StringComparer.Ordinal);
            return $"{result}\n{string.Join('\n', files)}";
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>A model's shape, recurrence, weights and output columns, and the curve that led to it.</summary>
    public static string Describe(ReversibleLmTransformer model, IDataView data)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var parameter in model.Network.parameters()) hash.AppendData(parameter.bytes);
        IEnumerable<string> curve = (model.Metrics?.History ?? []).Select(p =>
            $"{p.Step} {p.Loss:R} {p.LearningRate:R} {p.GradNorm:R} {p.ValidationLoss:R}");
        IEnumerable<string> columns = model.GetOutputSchema(data.Schema).Select(column => column.Name);
        return string.Join('\n',
        [
            $"{model.Configuration}", $"{model.Scheme}", Convert.ToHexString(hash.GetHashAndReset()), string.Join(' ', columns), .. curve,
        ]);
    }

    /// <summary>The output of the options as they are made, which most cases are compared with.</summary>
    private static class Plain<T>
    {
        private static readonly Lock _gate = new();
        private static string? _output;

        public static string Once(Func<string> run)
        {
            lock (_gate) return _output ??= run();
        }
    }

    /// <summary>A listener that writes a file when it is called.</summary>
    public sealed class Listener<T>(string folder) : IProgress<T>
    {
        public void Report(T value) => File.WriteAllText(Path.Combine(folder, "told"), "");
    }
}
