// All checkers of this assembly, found by their interface, so that adding one is adding a file.
namespace GoldenVectors;

internal static class GoldenCheckers
{
    public static IReadOnlyList<IGoldenChecker> All { get; } =
    [
        .. typeof(GoldenCheckers).Assembly.GetTypes()
            .Where(type => type is { IsClass: true, IsAbstract: false } && type.IsAssignableTo(typeof(IGoldenChecker)))
            .OrderBy(type => type.FullName, StringComparer.Ordinal)
            .Select(type => (IGoldenChecker)Activator.CreateInstance(type)!),
    ];
}
