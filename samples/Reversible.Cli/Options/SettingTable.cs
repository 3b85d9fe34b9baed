using System.CommandLine;
using System.Linq.Expressions;
using System.Reflection;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Cli.Options;

/// <summary>
/// Command-line options that set properties of one object. Name, type and default of an option come from the property.
/// </summary>
/// <param name="defaults">An object with the defaults that the help shows; null uses a new one.</param>
internal sealed class SettingTable<TTarget>(TTarget? defaults = null) where TTarget : class, new()
{
    private readonly TTarget _defaults = defaults ?? new();
    private readonly List<(string Title, List<Option> Options)> _groups = [];
    private readonly List<(string Property, Option Option, Action<ParseResult, TTarget> Apply)> _settings = [];

    /// <summary>The options in their groups.</summary>
    public IReadOnlyList<OptionGroup> Groups => [.. _groups.Select(group => new OptionGroup(group.Title, group.Options))];

    /// <summary>The properties that have an option.</summary>
    public IReadOnlyList<string> Properties => [.. _settings.Select(setting => setting.Property)];

    /// <summary>Starts a group of the help.</summary>
    public SettingTable<TTarget> Group(string title)
    {
        _groups.Add((title, []));
        return this;
    }

    /// <summary>Adds an option.</summary>
    /// <param name="property">The property that it sets, and whose spelling in kebab case is its name.</param>
    /// <param name="description">What it does, its unit and its range, as a sentence or two.</param>
    /// <param name="placeholder">Placeholder of the value in the help; null uses that of the type.</param>
    /// <param name="byDefault">The effect of a default of null, in words.</param>
    /// <param name="alias">A second name of the option.</param>
    /// <param name="alone">The value if the option is typed without one; null if it requires a value.</param>
    /// <param name="required">Whether the option is required.</param>
    public SettingTable<TTarget> Add<T>(
        Expression<Func<TTarget, T>> property, string description, string? placeholder = null, string? byDefault = null,
        string? alias = null, object? alone = null, bool required = false)
    {
        var info = (PropertyInfo)((MemberExpression)property.Body).Member;
        byDefault ??= OptionValue.Show(info.GetValue(_defaults));
        ArgumentArity arity = typeof(T) == typeof(IReadOnlyList<string>) ? ArgumentArity.OneOrMore
            : alone is null && (Nullable.GetUnderlyingType(typeof(T)) ?? typeof(T)) != typeof(bool) ? ArgumentArity.ExactlyOne
            : ArgumentArity.ZeroOrOne;
        var option = new Option<T?>(Kebab.Option(info.Name), alias is null ? [] : [alias])
        {
            Description = byDefault is null ? description : $"{description} Default: {byDefault}.",
            HelpName = placeholder ?? OptionValue.Placeholder(typeof(T)),
            Required = required,
            Arity = arity,
            CustomParser = result => result.Tokens.Count == 0 && alone is T value ? value : OptionValue.Parse<T>(result),
        };
        return Add(info.Name, option, (value, target) => info.SetValue(target, value));
    }

    /// <summary>Adds an option with one or more values, separated by blanks.</summary>
    /// <param name="property">The property that it sets, and whose spelling in kebab case is its name.</param>
    /// <param name="description">What it does, its unit and its range, as a sentence or two.</param>
    /// <param name="byDefault">The effect of an empty default, in words.</param>
    public SettingTable<TTarget> AddSeveral<T>(
        Expression<Func<TTarget, IReadOnlyList<T>>> property, string description, string? byDefault = null)
    {
        var info = (PropertyInfo)((MemberExpression)property.Body).Member;
        byDefault ??= string.Join(' ', ((IReadOnlyList<T>)info.GetValue(_defaults)!).Select(value => OptionValue.Show(value)));
        var option = new Option<IReadOnlyList<T>?>(Kebab.Option(info.Name))
        {
            Description = $"{description} Default: {byDefault}.",
            HelpName = OptionValue.Placeholder(typeof(T)) + "...",
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = true,
            CustomParser = OptionValue.ParseAll<T>,
        };
        return Add(info.Name, option, (values, target) => info.SetValue(target, values));
    }

    /// <summary>Adds an option with a custom effect.</summary>
    /// <param name="property">The main property that the option sets.</param>
    /// <param name="option">The option.</param>
    /// <param name="apply">Applies the option's value.</param>
    public SettingTable<TTarget> Add<T>(string property, Option<T> option, Action<T?, TTarget> apply)
    {
        _groups[^1].Options.Add(option);
        _settings.Add((property, option, (parsed, target) => apply(parsed.GetValue(option), target)));
        return this;
    }

    /// <summary>
    /// Adds an option for each property that has none yet, with the description from the library's XML documentation. New properties get an
    /// option automatically.
    /// </summary>
    /// <param name="leftOut">Properties that get no option.</param>
    public SettingTable<TTarget> AddOthers(IEnumerable<string> leftOut)
    {
        PropertyInfo[] others =
            [.. typeof(TTarget).GetProperties().Where(p => p.CanWrite && !Properties.Contains(p.Name) && !leftOut.Contains(p.Name))];
        if (others.Length > 0) Group("Other");
        foreach (PropertyInfo property in others)
        {
            ParameterExpression target = Expression.Parameter(typeof(TTarget));
            MethodInfo add = new Func<PropertyInfo, ParameterExpression, SettingTable<TTarget>>(AddDocumented<object>).Method
                .GetGenericMethodDefinition().MakeGenericMethod(property.PropertyType);
            add.Invoke(this, [property, target]);
        }
        return this;
    }

    /// <summary>Creates an object with the typed options set.</summary>
    public TTarget Read(ParseResult parsed) => Apply(parsed, new());

    /// <summary>Sets the typed options of an object, and leaves the others unchanged.</summary>
    /// <returns>The object.</returns>
    public TTarget Apply(ParseResult parsed, TTarget target)
    {
        foreach ((_, Option option, Action<ParseResult, TTarget> apply) in _settings)
            if (WasTyped(parsed, option)) apply(parsed, target);
        return target;
    }

    /// <summary>Returns whether the option of a property was typed.</summary>
    public bool WasTyped(ParseResult parsed, string property) =>
        WasTyped(parsed, _settings.Single(setting => setting.Property == property).Option);

    /// <summary>Refuses an option that was typed but has no effect, even if it has its default value.</summary>
    /// <exception cref="UsageException">An option has no effect; the message says why and what to do.</exception>
    public void RefuseTyped(ParseResult parsed, IEnumerable<UnusedOption> unused)
    {
        foreach (UnusedOption one in unused)
        {
            if (Properties.Contains(one.Option) && WasTyped(parsed, one.Option))
                throw new UsageException(one.Message(Kebab.Option(one.Option)));
        }
    }

    private SettingTable<TTarget> AddDocumented<T>(PropertyInfo property, ParameterExpression target) => Add(
        Expression.Lambda<Func<TTarget, T>>(Expression.Property(target, property), target), Documentation.SummaryOf(property),
        byDefault: property.GetValue(_defaults) is null ? "none" : null);

    private static bool WasTyped(ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };
}
