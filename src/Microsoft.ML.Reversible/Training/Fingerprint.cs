using System.Globalization;
using System.Reflection;
using System.Text.Json.Serialization;

namespace Microsoft.ML.Reversible.Training;

/// <summary>
/// Marks an option that is not in the fingerprint, because it may change when a run is resumed or because the task's own entries cover it.
/// All other options are in the fingerprint.
/// </summary>
/// <param name="reason">The reason, for readers of the code.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class NotInFingerprintAttribute(string reason) : Attribute
{
    /// <summary>The reason.</summary>
    public string Reason => reason;
}

/// <summary>An entry of a fingerprint that is not an option.</summary>
/// <param name="Name">The name in messages.</param>
/// <param name="Value">The value as text; null if the run has none.</param>
/// <param name="OnlyIfBoth">Whether it is compared only if both parts of the run have a value.</param>
internal readonly record struct FingerprintEntry(string Name, string? Value, bool OnlyIfBoth = false);

/// <summary>
/// Everything that decides a run's loss curve, as text. A resumed run must have the same fingerprint; otherwise it would not be the same
/// run.
/// </summary>
/// <param name="Seed">The seed of the weights and of the order of the data.</param>
/// <param name="Source">The hash of the training data; null before it has been read.</param>
/// <param name="Settings">The options and the task's entries, by name.</param>
internal sealed record Fingerprint(int Seed, string? Source, IReadOnlyDictionary<string, string> Settings)
{
    private const string NotSet = "not set";

    /// <summary>The names that are compared only if both fingerprints have them.</summary>
    [JsonIgnore]
    private IReadOnlySet<string> OnlyIfBoth { get; init; } = new HashSet<string>();

    /// <summary>The options' defaults, which stand for options that did not exist yet when a checkpoint was written.</summary>
    [JsonIgnore]
    private IReadOnlyDictionary<string, string> Defaults { get; init; } = new Dictionary<string, string>();

    /// <summary>The option that names weights to start from, for the message; null if there is none.</summary>
    [JsonIgnore]
    private string? StartOption { get; init; }

    /// <summary>Returns the fingerprint of the options alone.</summary>
    /// <param name="options">The options, already checked.</param>
    /// <param name="seed">The seed.</param>
    /// <exception cref="NotSupportedException">An option without the mark has a type that has no text form.</exception>
    public static Fingerprint Of(TrainingOptions options, int seed) => new(seed, Source: null, SettingsOf(options))
    {
        Defaults = SettingsOf((TrainingOptions)Activator.CreateInstance(options.GetType())!),
        StartOption = options.StartOption,
    };

    /// <summary>
    /// Returns the fingerprint with more entries. Existing entries keep their values: a model's scheme includes the factors that were drawn
    /// for it, the requested scheme does not.
    /// </summary>
    public Fingerprint With(IEnumerable<FingerprintEntry> entries, string? source = null)
    {
        var settings = new SortedDictionary<string, string>(Settings.ToDictionary(), StringComparer.Ordinal);
        HashSet<string> onlyIfBoth = [.. OnlyIfBoth];
        foreach (FingerprintEntry entry in entries)
        {
            if (entry.Value is not null) settings.TryAdd(entry.Name, entry.Value);
            if (entry.OnlyIfBoth) onlyIfBoth.Add(entry.Name);
        }
        return this with { Source = source ?? Source, Settings = settings, OnlyIfBoth = onlyIfBoth };
    }

    /// <summary>Compares this fingerprint, of a checkpoint, with that of the requested run.</summary>
    /// <param name="asked">The requested run's.</param>
    /// <param name="checkpoint">The checkpoint, for the message.</param>
    /// <param name="lengthConflict">
    /// Why the run cannot have another number of steps; null if it can, and <see cref="RunLength.Options"/> are not compared.
    /// </param>
    /// <exception cref="InvalidOperationException">The runs differ; the message lists the differences.</exception>
    public void Require(Fingerprint asked, string checkpoint, string? lengthConflict = null)
    {
        List<string> differences = [];
        if (asked.Seed != Seed) differences.Add($"Seed was {Seed} and is now {asked.Seed}");
        if (asked.Source is not null && asked.Source != Source) differences.Add("the training data has changed");
        foreach (string name in asked.Source is null ? asked.Settings.Keys : Settings.Keys.Union(asked.Settings.Keys))
        {
            string? was = Settings.GetValueOrDefault(name), now = asked.Settings.GetValueOrDefault(name);
            if (asked.OnlyIfBoth.Contains(name) && (was is null || now is null)) continue;
            if (lengthConflict is null && RunLength.Options.Contains(name)) continue;
            (was, now) = (Earlier(name, asked), now ?? asked.Absent(name));
            if (was != now) differences.Add($"{name} was {was} and is now {now}");
        }
        if (lengthConflict is not null) differences.Add(lengthConflict);
        if (differences.Count == 0) return;
        string weightsAlone = asked.StartOption is { } option
            ? $"; to start a new run from the checkpoint's weights, set {option} to it"
            : "";
        throw new InvalidOperationException(
            $"The checkpoint '{checkpoint}' belongs to another run: {string.Join("; ", differences)}. " +
            $"Set the options of that run, or give this run another CheckpointFolder{weightsAlone}.");
    }

    /// <summary>Returns this fingerprint with another's number of steps.</summary>
    public Fingerprint WithLengthOf(Fingerprint other)
    {
        var settings = new SortedDictionary<string, string>(Settings.ToDictionary(), StringComparer.Ordinal);
        foreach (string name in RunLength.Options) settings[name] = other.Settings[name];
        return this with { Settings = settings };
    }

    /// <summary>Returns a setting of this fingerprint, of a checkpoint, as the requested run compares it.</summary>
    public string Earlier(string name, Fingerprint asked) => Settings.GetValueOrDefault(name) ?? asked.Absent(name);

    /// <summary>Returns a value as text in the form that fingerprints use.</summary>
    public static string Text(object? value) => value switch
    {
        null => NotSet,
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    private string Absent(string name) => Defaults.GetValueOrDefault(name, NotSet);

    private static SortedDictionary<string, string> SettingsOf(TrainingOptions options)
    {
        var settings = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (PropertyInfo property in options.GetType().GetProperties())
        {
            if (property.GetCustomAttribute<NotInFingerprintAttribute>() is not null) continue;
            if (!HasText(Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType))
                throw new NotSupportedException(
                    $"The option {property.Name} has no text form for a run's fingerprint. Mark it [NotInFingerprint]; if it " +
                    "affects the loss curve, let the task add an entry for it.");
            settings[property.Name] = Text(OptionChecks.InEffect(property).GetValue(options));
        }
        return settings;
    }

    private static bool HasText(Type type) => type.IsEnum || type.IsPrimitive || type == typeof(string) || type == typeof(Scheme);
}
